package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Each condition under which a file may go, by a replica from which it would go without it. */
class RetentionTest {
  /** L0 files are kept 100 s, snapshots 1,000 s. */
  private static final Retention RETENTION = retention(100);

  private static Retention retention(int levelZeroSeconds) {
    return new Retention(
        new LevelSettings(
            List.of(Duration.ofSeconds(10), Duration.ofSeconds(60)),
            Duration.ofSeconds(1000),
            Duration.ofSeconds(1000),
            Duration.ofSeconds(levelZeroSeconds),
            true));
  }

  private static List<String> expired(long seconds, HeldFiles held) {
    return Held.texts(RETENTION.expired(held, Instant.ofEpochSecond(seconds)));
  }

  private static List<String> expired(long seconds, String... files) {
    return expired(seconds, Held.files(files));
  }

  @Test
  void levelZeroGoesWhenLevelOneHasHadItForItsGrace() {
    String[] files = {"9:1-1@0", "0:2-2@1", "0:3-3@2", "0:4-4@3", "1:2-3@10"};
    assertEquals(List.of(), expired(109, files));
    assertEquals(List.of("0:2-2", "0:3-3"), expired(110, files));
    assertEquals(Optional.of(Instant.ofEpochSecond(110)), RETENTION.nextExpiry(Held.files(files)));
  }

  @Test
  void ageOfALevelZeroFileItselfSaysNothing() {
    String[] files = {"9:1-1@0", "0:2-2@1", "0:3-3@900", "1:2-2@890"};
    assertEquals(List.of(), expired(910, files));
  }

  @Test
  void levelZeroStaysWhereLevelOneHasAGapBeforeIt() {
    String[] files = {
      "9:1-1@0", "0:2-2@1", "0:3-3@2", "0:4-4@3", "0:5-5@4", "1:2-2@10", "1:4-4@10"
    };
    assertEquals(List.of("0:2-2"), expired(500, files));
  }

  @Test
  void levelZeroStaysWhereNoSnapshotLeadsToLevelOne() {
    assertEquals(List.of(), expired(500, "0:2-2@1", "0:3-3@2", "0:4-4@3", "1:2-3@10"));
  }

  @Test
  void newestLevelZeroFileStays() {
    assertEquals(List.of("0:2-2"), expired(500, "9:1-1@0", "0:2-2@1", "0:3-3@2", "1:2-3@10"));
  }

  @Test
  void levelZeroThatOnlyASnapshotCoversWaitsForLevelOne() {
    String[] files = {"9:1-1@0", "9:1-4@5", "0:2-2@1", "0:3-3@2", "0:4-4@3", "1:2-2@10"};
    assertEquals(List.of("0:2-2"), expired(500, files));
  }

  @Test
  void unusableFileOfLevelOneCoversNothing() {
    HeldFiles held =
        Held.files(
            Set.of(Held.name("1:2-3")), "9:1-1@0", "0:2-2@1", "0:3-3@2", "0:4-4@3", "1:2-3@10");
    assertEquals(List.of(), expired(500, held));
  }

  @Test
  void whatIsItselfDoneWithCoversNothing() {
    // The snapshot 1-4 is as old as its retention, so what led to TXID 3 goes; it has itself not
    // been there for the grace of level 0.
    Retention quick =
        new Retention(
            new LevelSettings(
                List.of(Duration.ofSeconds(10)),
                Duration.ofSeconds(1000),
                Duration.ofSeconds(20),
                Duration.ofSeconds(100),
                true));
    HeldFiles held =
        Held.files(
            "9:1-1@0",
            "9:1-4@460",
            "0:2-2@1",
            "0:3-3@2",
            "0:4-4@3",
            "0:5-5@4",
            "1:2-3@10",
            "1:4-4@450",
            "1:5-5@470");
    assertEquals(
        List.of("1:2-3", "9:1-1"), Held.texts(quick.expired(held, Instant.ofEpochSecond(490))));
  }

  @Test
  void zeroGraceKeepsLevelZeroAsLongAsWhatIsAroundIt() {
    Retention none = retention(0);
    HeldFiles held = Held.files("9:1-1@0", "9:1-3@5", "0:2-2@1", "0:3-3@2", "0:4-4@3", "1:2-3@10");
    assertEquals(List.of(), Held.texts(none.expired(held, Instant.ofEpochSecond(999))));
    assertEquals(
        List.of("0:2-2", "9:1-1"), Held.texts(none.expired(held, Instant.ofEpochSecond(1005))));
  }

  @Test
  void everyPointOfTheRetentionStaysRestorable() {
    // At 1,500 the states from 500 on are asked for: the snapshot of 400 leads to them.
    String[] files = {
      "9:1-1@0",
      "9:1-10@400",
      "9:1-20@1400",
      "1:2-5@100",
      "1:6-10@200",
      "1:11-15@700",
      "1:16-20@1300",
      "2:2-10@300"
    };
    assertEquals(List.of("1:2-5", "9:1-1"), expired(1500, files));
    assertEquals(List.of("1:2-5", "1:6-10", "1:11-15", "9:1-1", "9:1-10"), expired(2400, files));
  }

  @Test
  void newestFileOfEachLevelStays() {
    assertEquals(
        List.of("1:2-5", "9:1-1"),
        expired(5000, "9:1-1@0", "9:1-20@30", "1:2-5@1", "1:6-9@2", "2:2-9@3"));
  }

  @Test
  void unusableSnapshotIsNoPointToKeepOthersFrom() {
    HeldFiles held =
        Held.files(Set.of(Held.name("9:1-20")), "9:1-1@0", "9:1-20@30", "1:2-5@1", "1:6-20@2");
    assertEquals(List.of(), expired(5000, held));
  }

  @Test
  void nothingIsDueWhereNothingCanGo() {
    HeldFiles held = Held.files("9:1-20@30", "0:20-20@1", "1:6-20@2", "2:2-20@3");
    assertEquals(Optional.empty(), RETENTION.nextExpiry(held));
  }
}
