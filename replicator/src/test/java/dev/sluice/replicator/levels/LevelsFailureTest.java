package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What fails, and what goes on all the same. */
class LevelsFailureTest {
  @TempDir Path folder;

  private LevelsWorld world;

  @BeforeEach
  void beginWithAnImageAtMidnight() throws IOException {
    world = LevelsWorld.withImage(1, folder, LevelSettings.STANDARD);
  }

  @Test
  void malformedLocalCopyIsReplacedByTheFileOfTheReplica() throws IOException {
    LtxFile file = world.commit();
    byte[] broken = world.content(file.name()).clone();
    broken[broken.length - 3] ^= 1;
    Files.write(folder.resolve(Layout.fileName(file.name().range())), broken);
    world.runFor(Duration.ofSeconds(30));
    assertEquals(List.of("2-2"), world.ranges(1));
    assertFalse(world.levels.needsImage());
    world.requireExactEverywhere();
  }

  @Test
  void otherFileUnderTheNameOfAnOutputIsTakenAsItIs() throws IOException {
    world.commits(3, Duration.ofSeconds(5));
    LtxFile compacted = world.primary.compact(1, world.replica.files(0));
    WholeFile merged = WholeFile.decode(world.content(compacted.name()));
    LtxHeader header =
        LtxHeader.of(512, merged.header().commit(), compacted.name().range(), 1_000_000);
    byte[] theirs = new WholeFile(header, merged.pages()).encode();
    world.replica.put(compacted.name(), theirs, world.now());
    world.runUntil(Instant.parse("2026-11-01T00:00:31Z"));
    assertArrayEquals(theirs, world.content(LevelsWorld.name(1, 2, 4)));
    assertEquals(List.of(), world.leftovers());
    assertEquals(20, world.client.count("list"), "one more");
    assertEquals(1, world.client.count("create"));
    world.commits(3, Duration.ofSeconds(10));
    assertEquals(List.of("2-4", "5-7"), world.ranges(1));
    assertEquals(20, world.client.count("list"));
    world.runFor(Duration.ofDays(3));
    world.requireExactEverywhere();
  }

  @Test
  void outputThatFailsKeepsNothingElseFromBeingDone() throws IOException {
    world.commits(3, Duration.ofMinutes(2));
    world.failBefore.add("create " + LevelsWorld.name(1, 5, 5));
    world.commit();
    world.levels.snapshotNow();
    world.runFor(Duration.ofMinutes(12));
    assertEquals(List.of("2-2", "3-3", "4-4"), world.ranges(1));
    assertEquals(List.of("1-1", "1-5"), world.ranges(9));
    assertEquals(List.of("5-5"), world.ranges(0), "what is covered goes");
    String said = "what fails is said as long as it does";
    assertThrows(ReplicaException.Unavailable.class, () -> world.levels.run(), said);
    world.failBefore.clear();
    world.runFor(Duration.ofMinutes(5));
    world.levels.run();
    assertEquals(List.of("2-2", "3-3", "4-4", "5-5"), world.ranges(1));
  }

  @Test
  void outputForWhichThereMayBeNoRoomIsNotBegun() throws IOException {
    world.commits(2, Duration.ofSeconds(5));
    LtxFile last = world.commit();
    LtxFile huge = new LtxFile(last.name(), 1L << 62, last.created(), last.version());
    world.levels.uploaded(List.of(huge));
    world.advanceTo(Instant.parse("2026-11-01T00:00:30Z"));
    IOException e = assertThrows(IOException.class, () -> world.levels.run());
    assertTrue(String.valueOf(e.getMessage()).contains("4611686018427"), e.getMessage());
    assertEquals(0, world.client.count("read"));
    assertEquals(List.of(), world.leftovers());
  }

  @Test
  void interruptedRunEndsEarlyAndIsStillDue() throws IOException {
    world.commits(3, Duration.ofSeconds(5));
    world.advanceTo(Instant.parse("2026-11-01T00:00:30Z"));
    Thread.currentThread().interrupt();
    assertThrows(InterruptedIOException.class, () -> world.levels.run());
    assertTrue(Thread.interrupted());
    assertEquals(List.of(), world.leftovers());
    world.runFor(Duration.ofSeconds(5));
    assertEquals(List.of("2-4"), world.ranges(1));
  }

  /** A stop that does not wait for a run, and a start at once. */
  @Test
  void runThatIsStillEndingDoesNotStoreWhatTheNextOneWrites() throws IOException {
    world.commits(3, Duration.ofSeconds(5));
    Levels ending = world.levels;
    world.advanceTo(Instant.parse("2026-11-01T00:00:30Z"));
    world.atOutputWritten = this::beginTheNextOne;
    assertThrows(IOException.class, () -> ending.run());
    assertEquals(List.of(), world.ranges(1));
    assertEquals(1, world.leftovers().size(), "the next one's");
    world.restart();
    world.runFor(Duration.ofMinutes(2));
    assertEquals(List.of("2-7"), world.ranges(1));
    assertEquals(List.of(), world.leftovers());
    world.requireExactEverywhere();
  }

  /** Until it has written its output, which is another. */
  private void beginTheNextOne() {
    try {
      for (int i = 0; i < 3; i++) {
        world.commit();
      }
      world.restart();
      world.advanceTo(Instant.parse("2026-11-01T00:01:00Z"));
      world.killAt = Optional.of(LevelStep.OUTPUT_WRITTEN);
      assertThrows(LevelsWorld.Killed.class, () -> world.levels.run());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void processThatWasKilledAtAnyStepIsGoneOnFrom() throws IOException {
    for (LevelStep step : LevelStep.values()) {
      world =
          LevelsWorld.withImage(
              step.name().hashCode(),
              Files.createDirectory(folder.resolve(step.name())),
              LevelSettings.STANDARD);
      if (step == LevelStep.LEFTOVER_DELETED) {
        // There is one only if a process before was killed.
        world.killAt = Optional.of(LevelStep.OUTPUT_WRITTEN);
        world.commits(4, Duration.ofSeconds(10));
        Files.write(
            Files.createDirectories(world.folder.resolve("levels")).resolve("output.tmp"),
            new byte[9]);
      }
      world.killAt = Optional.of(step);
      if (step == LevelStep.LISTED || step == LevelStep.LEFTOVER_DELETED) {
        world.restart();
      }
      world.commits(40, Duration.ofMinutes(4));
      assertTrue(world.killAt.isEmpty(), () -> step + " was not reached: " + world.steps);
      world.requireExactEverywhere();
      assertEquals(List.of(), world.leftovers(), step.name());
      List<String> levelOne = world.ranges(1);
      assertEquals(levelOne.size(), levelOne.stream().distinct().count());
      requireNoOverlap(world, 1);
    }
  }

  private static void requireNoOverlap(LevelsWorld world, int level) {
    Txid last = Txid.FIRST;
    for (LtxFile file : world.replica.files(level)) {
      assertEquals(last.next(), file.name().range().min(), () -> world.ranges(level).toString());
      last = file.name().range().max();
    }
  }

  @Test
  void outputWhoseFateIsUnknownIsStoredOnce() throws IOException {
    world.commits(3, Duration.ofSeconds(5));
    world.failAfter.addAll(List.of("create", "tail"));
    world.advanceTo(Instant.parse("2026-11-01T00:00:30Z"));
    world.run();
    assertEquals(List.of("2-4"), world.ranges(1), "it is there, and nobody knows");
    world.commit();
    world.runFor(Duration.ofMinutes(2));
    world.failAfter.clear();
    world.runFor(Duration.ofMinutes(20));
    assertEquals("2-4", world.ranges(1).get(0));
    requireNoOverlap(world, 1);
  }
}
