package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the upkeep of a replica does when, by a clock that the test moves. */
class LevelsTest {
  @TempDir Path folder;

  private LevelsWorld world;

  @BeforeEach
  void beginWithAnImageAtMidnight() throws IOException {
    world = LevelsWorld.withImage(1, folder, LevelSettings.STANDARD);
  }

  private void commits(int count, Duration gap) throws IOException {
    for (int i = 0; i < count; i++) {
      world.commit();
      world.runFor(gap);
    }
  }

  private byte[] content(LtxFileName name) {
    return world.replica.content(name).orElseThrow();
  }

  private static LtxFileName name(int level, long min, long max) {
    return new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max)));
  }

  /** Stores a file with one bit changed in the place of the sound one. */
  private void damage(LtxFileName name) {
    byte[] bytes = content(name).clone();
    bytes[bytes.length / 2] ^= 4;
    LtxFile before = world.replica.put(name, bytes, world.now());
    assertEquals(name, before.name());
  }

  private void forgetLocalFiles() throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void levelsAreMadeAtTheEndsOfTheirWindows() throws IOException {
    commits(10, Duration.ofSeconds(10));
    assertEquals(List.of("2-4", "5-7", "8-a"), world.ranges(1));
    assertEquals(List.of(), world.ranges(2));
    world.runUntil(Instant.parse("2026-11-01T00:05:00Z"));
    assertEquals(List.of("2-4", "5-7", "8-a", "b-b"), world.ranges(1));
    assertEquals(List.of("2-b"), world.ranges(2));
    world.runUntil(Instant.parse("2026-11-01T00:59:59Z"));
    assertEquals(List.of(), world.ranges(3));
    world.runUntil(Instant.parse("2026-11-01T01:00:00Z"));
    assertEquals(List.of("2-b"), world.ranges(3));
    world.requireExactEverywhere();
  }

  @Test
  void theFirstImageIsInNoLevelButNine() throws IOException {
    commits(30, Duration.ofMinutes(7));
    for (int level = 0; level <= 3; level++) {
      for (LtxFile file : world.replica.files(level)) {
        assertTrue(file.name().range().min().isAfter(Txid.FIRST), file.toString());
      }
    }
  }

  @Test
  void snapshotIsMadeAtTheEndOfADayInWhichSomethingCame() throws IOException {
    commits(3, Duration.ofMinutes(7));
    world.runUntil(Instant.parse("2026-11-01T23:59:59.999Z"));
    assertEquals(List.of("1-1"), world.ranges(9));
    world.runUntil(Instant.parse("2026-11-02T00:00:00Z"));
    assertEquals(List.of("1-1", "1-4"), world.ranges(9));
    WholeFile snapshot = WholeFile.decode(content(name(9, 1, 4)));
    assertEquals("2026-11-02T00:00:00Z", time(snapshot), "the time at which it was made");
    world.runFor(Duration.ofDays(5));
    assertEquals(List.of("1-4"), world.ranges(9));
  }

  private static String time(WholeFile file) {
    return Instant.ofEpochMilli(file.header().timestampMillis()).toString();
  }

  @Test
  void compactedFileHasTheTimeOfItsLastInputInHeaderAndMetadata() throws IOException {
    commits(3, Duration.ofSeconds(10));
    LtxFile file = world.replica.files(1).get(0);
    assertEquals(Instant.parse("2026-11-01T00:00:20Z"), file.created());
    assertEquals("2026-11-01T00:00:20Z", time(WholeFile.decode(content(file.name()))));
  }

  @Test
  void snapshotIsMadeAtOnceWhenItIsAskedFor() throws IOException {
    commits(3, Duration.ofSeconds(40));
    world.levels.snapshotNow();
    assertFalse(world.levels.nextDue().isAfter(world.now()));
    world.run();
    assertEquals(List.of("1-1", "1-4"), world.ranges(9));
    world.levels.snapshotNow();
    world.run();
    assertEquals(List.of("1-1", "1-4"), world.ranges(9), "nothing has come since");
  }

  @Test
  void steadyStateNeedsNoListingAndAnIdleReplicaNoRequest() throws IOException {
    world.runFor(Duration.ofDays(2));
    assertEquals(10, world.client.requests.size(), "the listing at the start");
    commits(200, Duration.ofSeconds(20));
    assertEquals(10, world.client.count("list"));
    world.runFor(Duration.ofDays(4));
    assertEquals(Levels.NEVER, world.levels.nextDue());
    int requests = world.client.requests.size();
    world.runFor(Duration.ofDays(100));
    assertEquals(requests, world.client.requests.size());
    assertEquals(10, world.client.count("list"));
  }

  @Test
  void inputsThatTheSpoolStillHasAreNotFetched() throws IOException {
    for (int i = 0; i < 5; i++) {
      LtxFile file = world.commit();
      Files.write(folder.resolve(Layout.fileName(file.name().range())), content(file.name()));
    }
    world.runFor(Duration.ofSeconds(30));
    assertEquals(List.of("2-6"), world.ranges(1));
    assertEquals(0, world.client.count("read"));
  }

  @Test
  void malformedLocalCopyIsReplacedByTheFileOfTheReplica() throws IOException {
    LtxFile file = world.commit();
    byte[] broken = content(file.name()).clone();
    broken[broken.length - 3] ^= 1;
    Files.write(folder.resolve(Layout.fileName(file.name().range())), broken);
    world.runFor(Duration.ofSeconds(30));
    assertEquals(List.of("2-2"), world.ranges(1));
    assertFalse(world.levels.needsImage());
    world.requireExactEverywhere();
  }

  @Test
  void retentionThatIsDisabledDeletesNothing() throws IOException {
    LevelSettings kept =
        new LevelSettings(
            LevelSettings.STANDARD.intervals(),
            LevelSettings.STANDARD.snapshotInterval(),
            LevelSettings.STANDARD.snapshotRetention(),
            LevelSettings.STANDARD.l0Retention(),
            false);
    world = LevelsWorld.withImage(1, folder, kept);
    commits(50, Duration.ofMinutes(90));
    world.runFor(Duration.ofDays(5));
    assertEquals(0, world.client.count("delete"));
    assertEquals(50, world.replica.files(0).size());
    assertEquals(Levels.NEVER, world.levels.nextDue());
    List<Integer> known = world.levels.figures().fileCounts();
    assertTrue(known.get(0) <= 1, () -> "what is done with is not remembered: " + known);
    world.requireExactEverywhere();
  }

  @Test
  void otherWriterIsFoundByTheListingAfterAnHour() throws IOException {
    commits(2, Duration.ofSeconds(1));
    world.levels.beforeUpload(new Txid(4));
    assertEquals(10, world.client.count("list"));
    world.runFor(Duration.ofMinutes(61));
    world.primary.commit(30, TestPrimary.all(30));
    world.primary.commit(30, TestPrimary.all(30));
    SecondWriterException e =
        assertThrows(SecondWriterException.class, () -> world.levels.beforeUpload(new Txid(4)));
    assertTrue(String.valueOf(e.getMessage()).contains("0000000000000005"), e.getMessage());
  }

  @Test
  void uploadThatNobodyKnowsHasSucceededIsNoSecondWriter() throws IOException {
    commits(2, Duration.ofSeconds(1));
    LtxFile unknown = world.primary.commit(30, TestPrimary.all(30));
    world.primary.advance(Duration.ofMinutes(61));
    world.levels.beforeUpload(unknown.name().range().max());
    assertEquals(20, world.client.count("list"));
    world.upload(unknown);
    world.runFor(Duration.ofDays(1));
    world.requireExactEverywhere();
  }

  @Test
  void otherFileUnderTheNameOfAnOutputIsNotOverwritten() throws IOException {
    commits(3, Duration.ofSeconds(5));
    byte[] theirs = content(name(9, 1, 1));
    world.replica.put(name(1, 2, 4), theirs, world.now());
    world.advanceTo(Instant.parse("2026-11-01T00:00:30Z"));
    assertThrows(SecondWriterException.class, () -> world.levels.run(world.now()));
    assertEquals(theirs.length, content(name(1, 2, 4)).length);
    assertEquals(List.of(), world.leftovers());
  }

  @Test
  void interruptedRunEndsEarlyAndIsStillDue() throws IOException {
    commits(3, Duration.ofSeconds(5));
    world.advanceTo(Instant.parse("2026-11-01T00:00:30Z"));
    Thread.currentThread().interrupt();
    assertThrows(InterruptedIOException.class, () -> world.levels.run(world.now()));
    assertTrue(Thread.interrupted());
    assertEquals(List.of(), world.leftovers());
    world.runFor(Duration.ofSeconds(5));
    assertEquals(List.of("2-4"), world.ranges(1));
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
        commits(4, Duration.ofSeconds(10));
        Files.write(
            Files.createDirectories(world.folder.resolve("levels")).resolve("output.tmp"),
            new byte[9]);
      }
      world.killAt = Optional.of(step);
      if (step == LevelStep.LISTED || step == LevelStep.LEFTOVER_DELETED) {
        world.restart();
      }
      commits(40, Duration.ofMinutes(4));
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
    commits(3, Duration.ofSeconds(5));
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

  @Test
  void malformedFileOfALevelIsReplacedByTheFilesBelow() throws IOException {
    commits(9, Duration.ofSeconds(10));
    damage(name(1, 5, 7));
    world.runUntil(Instant.parse("2026-11-01T00:04:59Z"));
    world.restart();
    world.runUntil(Instant.parse("2026-11-01T00:10:00Z"));
    assertEquals(List.of("2-a"), world.ranges(2));
    assertFalse(world.levels.needsImage());
  }

  @Test
  void gapIsSaidAndEndsWithAnImage() throws IOException {
    commits(9, Duration.ofSeconds(10));
    forgetLocalFiles();
    LtxFile lost = world.commit();
    world.replica.delete(List.of(lost.name()));
    forgetLocalFiles();
    world.commit();
    forgetLocalFiles();
    world.runFor(Duration.ofMinutes(1));
    assertTrue(world.levels.needsImage());
    assertEquals(List.of("2-4", "5-7", "8-a"), world.ranges(1));
    world.runFor(Duration.ofDays(2));
    LtxFile image = world.primary.fullImage(10, TestPrimary.all(10));
    world.upload(image);
    world.run();
    assertFalse(world.levels.needsImage());
    assertTrue(world.ranges(9).contains("1-d"), world.ranges(9).toString());
    commits(20, Duration.ofMinutes(2));
    world.requireExactSample(5);
    world.runFor(Duration.ofDays(5));
    world.requireExactEverywhere();
    assertEquals(1, world.replica.files(0).size(), () -> "L0 " + world.ranges(0));
    for (LtxFile file : world.replica.files(1)) {
      assertFalse(file.name().range().contains(image.name().range().max()), "the image is in 9");
    }
  }

  @Test
  void malformedLevelZeroFileNeedsAnImage() throws IOException {
    commits(9, Duration.ofSeconds(10));
    LtxFile broken = world.commit();
    forgetLocalFiles();
    damage(broken.name());
    world.restart();
    world.commit();
    forgetLocalFiles();
    assertFalse(world.levels.needsImage(), "nobody knows it yet");
    world.runFor(Duration.ofMinutes(1));
    assertTrue(world.levels.needsImage());
    world.upload(world.primary.fullImage(10, TestPrimary.all(10)));
    world.runFor(Duration.ofDays(4));
    world.commit();
    world.runFor(Duration.ofDays(4));
    assertFalse(world.levels.needsImage());
    assertEquals(Levels.NEVER, world.levels.nextDue());
    assertEquals(1, world.replica.files(0).size(), () -> "L0 " + world.ranges(0));
    world.requireExactSample(1);
  }

  @Test
  void catchingUpAfterADayWithoutRunsEndsInTheSameState() throws IOException {
    List<Duration> gaps = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      world.commit();
      world.primary.advance(Duration.ofMinutes(20));
      gaps.add(Duration.ofMinutes(20));
    }
    assertEquals(100, gaps.size());
    world.runFor(Duration.ofHours(2));
    assertEquals(List.of("2-65"), world.ranges(1));
    assertEquals(List.of("2-65"), world.ranges(2));
    assertEquals(List.of("2-65"), world.ranges(3));
    world.requireExactEverywhere();
  }

  @Test
  void idleReplicasAreSmallInMemory() throws IOException {
    int count = 2_000;
    List<Levels> all = new ArrayList<>();
    commits(60, Duration.ofMinutes(10));
    world.runFor(Duration.ofDays(4));
    long before = usedBytes();
    for (int i = 0; i < count; i++) {
      world.restart();
      all.add(world.levels);
    }
    long each = (usedBytes() - before) / count;
    assertEquals(count, all.size());
    assertTrue(each < 10_000, "bytes of an idle replica: " + each);
  }

  private static long usedBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
