package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
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

  /** Stores a file with one bit changed in the place of the sound one. */
  private void damage(LtxFileName name) {
    byte[] bytes = world.content(name).clone();
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
    world.commits(10, Duration.ofSeconds(10));
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
    world.commits(30, Duration.ofMinutes(7));
    for (int level = 0; level <= 3; level++) {
      for (LtxFile file : world.replica.files(level)) {
        assertTrue(file.name().range().min().isAfter(Txid.FIRST), file.toString());
      }
    }
  }

  @Test
  void snapshotIsMadeAtTheEndOfADayInWhichSomethingCame() throws IOException {
    Instant end = snapshotDue("mem:replica", "2026-11-01T12:00:00Z");
    world.runUntil(Instant.parse("2026-11-01T12:00:00Z"));
    world.levels.snapshotNow();
    world.commits(3, Duration.ofMinutes(7));
    assertEquals(List.of("1-1", "1-2"), world.ranges(9));
    world.runUntil(end.minusMillis(1));
    assertEquals(List.of("1-1", "1-2"), world.ranges(9));
    world.runUntil(end);
    assertEquals(List.of("1-1", "1-2", "1-4"), world.ranges(9));
    WholeFile snapshot = WholeFile.decode(world.content(LevelsWorld.name(9, 1, 4)));
    assertEquals(end.toString(), time(snapshot), "the time at which it was made");
    world.runFor(Duration.ofDays(5));
    assertEquals(List.of("1-4"), world.ranges(9));
  }

  /** Returns when the next snapshot of a replica is due after one that was made at a time. */
  private static Instant snapshotDue(String location, String last) {
    long seconds = Instant.parse(last).getEpochSecond();
    return new LevelSchedule(LevelSettings.STANDARD, location)
        .snapshot(Held.files("9:1-1@" + seconds, "0:2-2@" + seconds));
  }

  @Test
  void snapshotsOfManyReplicasAreSpreadOverAQuarterOfTheirInterval() {
    Set<Instant> times = new TreeSet<>();
    for (int i = 0; i < 100; i++) {
      Instant due = snapshotDue("s3://bucket/db-" + i, "2026-11-01T12:00:00Z");
      assertEquals(due, snapshotDue("s3://bucket/db-" + i, "2026-11-01T23:00:00Z"));
      times.add(due);
      assertFalse(due.isBefore(Instant.parse("2026-11-02T00:00:00Z")), due.toString());
      assertTrue(due.isBefore(Instant.parse("2026-11-02T06:00:00Z")), due.toString());
    }
    assertTrue(times.size() > 95, times.toString());
  }

  private static String time(WholeFile file) {
    return Instant.ofEpochMilli(file.header().timestampMillis()).toString();
  }

  @Test
  void compactedFileHasTheTimeOfItsLastInputInHeaderAndMetadata() throws IOException {
    world.commits(3, Duration.ofSeconds(10));
    LtxFile file = world.replica.files(1).get(0);
    assertEquals(Instant.parse("2026-11-01T00:00:20Z"), file.created());
    assertEquals("2026-11-01T00:00:20Z", time(WholeFile.decode(world.content(file.name()))));
  }

  @Test
  void snapshotIsMadeAtOnceWhenItIsAskedFor() throws IOException {
    world.commits(3, Duration.ofSeconds(40));
    world.levels.snapshotNow();
    assertFalse(world.levels.nextDue().isAfter(world.now()));
    world.run();
    assertEquals(List.of("1-1", "1-4"), world.ranges(9));
    world.levels.snapshotNow();
    world.run();
    assertEquals(List.of("1-1", "1-4"), world.ranges(9), "nothing has come since");
  }

  @Test
  void snapshotThatCannotHaveAllOfItFails() throws IOException {
    damage(world.commit().name());
    forgetLocalFiles();
    world.restart();
    world.levels.snapshotNow();
    assertThrows(IOException.class, () -> world.levels.run());
  }

  @Test
  void steadyStateNeedsNoListingAndAnIdleReplicaNoRequest() throws IOException {
    world.runFor(Duration.ofDays(2));
    assertEquals(10, world.client.requests.size(), "the listing at the start");
    world.commits(200, Duration.ofSeconds(20));
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
      Files.write(folder.resolve(Layout.fileName(file.name().range())), world.content(file.name()));
    }
    world.runFor(Duration.ofSeconds(30));
    assertEquals(List.of("2-6"), world.ranges(1));
    assertEquals(0, world.client.count("read"));
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
    world.commits(50, Duration.ofMinutes(90));
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
    world.commits(2, Duration.ofSeconds(1));
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
    world.commits(2, Duration.ofSeconds(1));
    LtxFile unknown = world.primary.commit(30, TestPrimary.all(30));
    world.primary.advance(Duration.ofMinutes(61));
    world.levels.beforeUpload(unknown.name().range().max());
    assertEquals(20, world.client.count("list"));
    world.upload(unknown);
    world.runFor(Duration.ofDays(1));
    world.requireExactEverywhere();
  }

  @Test
  void malformedFileOfALevelIsReplacedByTheFilesBelow() throws IOException {
    world.commits(9, Duration.ofSeconds(10));
    damage(LevelsWorld.name(1, 5, 7));
    world.runUntil(Instant.parse("2026-11-01T00:04:59Z"));
    world.restart();
    world.runUntil(Instant.parse("2026-11-01T00:10:00Z"));
    assertEquals(List.of("2-a"), world.ranges(2));
    assertFalse(world.levels.needsImage());
  }

  @Test
  void gapIsSaidAndEndsWithAnImage() throws IOException {
    world.commits(9, Duration.ofSeconds(10));
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
    world.commits(20, Duration.ofMinutes(2));
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
    world.commits(9, Duration.ofSeconds(10));
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
    world.commits(60, Duration.ofMinutes(10));
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
