package dev.sluice.replicator.levels;

import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.util.List;

/**
 * How a replica is looked after. Immutable.
 *
 * @param intervals of levels 1 and up: a level gets a file at the end of each window of its
 *     interval in which the level below got one
 * @param snapshotInterval a snapshot is made at the end of each window in which something came
 * @param snapshotRetention every point of so long a time can be restored: the newest snapshot that
 *     is older stays, with all that follows on it
 * @param l0Retention how long a level-0 file stays after a level above has covered it; zero means
 *     as long as what is around it
 * @param isRetentionEnabled whether anything is deleted at all; the storage's own rules do it
 *     otherwise
 */
public record LevelSettings(
    List<Duration> intervals,
    Duration snapshotInterval,
    Duration snapshotRetention,
    Duration l0Retention,
    boolean isRetentionEnabled) {

  /** What Litestream does if it is not told otherwise. */
  public static final LevelSettings STANDARD =
      new LevelSettings(
          List.of(Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofHours(1)),
          Duration.ofHours(24),
          Duration.ofHours(24),
          Duration.ofMinutes(5),
          true);

  public LevelSettings {
    intervals = List.copyOf(intervals);
    if (intervals.size() >= LtxFileName.SNAPSHOT_LEVEL) {
      throw new IllegalArgumentException(
          intervals.size() + " levels, of which at most " + (LtxFileName.SNAPSHOT_LEVEL - 1));
    }
    intervals.forEach(interval -> requirePositive("interval of a level", interval));
    requirePositive("snapshot interval", snapshotInterval);
    requireNotNegative("snapshot retention", snapshotRetention);
    requireNotNegative("L0 retention", l0Retention);
  }

  private static void requirePositive(String what, Duration time) {
    if (time.toMillis() < 1) {
      throw new IllegalArgumentException(what + " " + time + " is not a millisecond or more");
    }
  }

  private static void requireNotNegative(String what, Duration time) {
    if (time.isNegative()) {
      throw new IllegalArgumentException(what + " " + time + " is negative");
    }
  }

  /** Returns the highest level that is compacted into; 0 if there is none. */
  int top() {
    return intervals.size();
  }

  Duration interval(int level) {
    return intervals.get(level - 1);
  }
}
