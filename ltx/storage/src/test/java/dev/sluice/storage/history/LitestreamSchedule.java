package dev.sluice.storage.history;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Compaction and retention by Litestream's defaults, on a primary's clock: level 1 every 30 s,
 * level 2 every 5 min, level 3 every hour, each from the files of the level below that end later; a
 * snapshot every 24 h, kept 24 h. An L0 file goes when level 1 has it and it is 5 min old; the
 * newest stays. Levels 1 to 3 go when the oldest snapshot that is kept covers them. Confined to one
 * thread.
 */
public final class LitestreamSchedule {
  private static final List<Duration> INTERVALS =
      List.of(Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofHours(1));

  private static final Duration L0_RETENTION = Duration.ofMinutes(5);
  private static final Duration SNAPSHOT_INTERVAL = Duration.ofHours(24);
  private static final Duration SNAPSHOT_RETENTION = Duration.ofHours(24);

  private final TestPrimary primary;
  private final List<Instant> due = new ArrayList<>();
  private final List<Txid> compacted = new ArrayList<>();
  private Instant snapshotDue;

  /** Begins now. */
  public LitestreamSchedule(TestPrimary primary) {
    this.primary = primary;
    this.snapshotDue = primary.now();
    for (Duration interval : INTERVALS) {
      due.add(primary.now().plus(interval));
      compacted.add(Txid.NONE);
    }
  }

  /** Does what is due by the primary's clock. */
  public void run() {
    Instant now = primary.now();
    boolean isLevelOneDue = !due.get(0).isAfter(now);
    for (int i = 0; i < INTERVALS.size(); i++) {
      if (!due.get(i).isAfter(now)) {
        compact(i + 1);
        due.set(i, nextDue(due.get(i), INTERVALS.get(i), now));
      }
    }
    if (isLevelOneDue) {
      expireLevelZero(now);
    }
    if (!snapshotDue.isAfter(now) && primary.history().txid().isAfter(Txid.NONE)) {
      primary.snapshot();
      snapshotDue = nextDue(snapshotDue, SNAPSHOT_INTERVAL, now);
      expireSnapshots(now);
    }
  }

  private static Instant nextDue(Instant due, Duration interval, Instant now) {
    long passed = Duration.between(due, now).dividedBy(interval);
    return due.plus(interval.multipliedBy(passed + 1));
  }

  private void compact(int level) {
    Txid last = compacted.get(level - 1);
    List<LtxFile> files = new ArrayList<>();
    for (LtxFile file : primary.replica().files(level - 1)) {
      if (file.name().range().max().isAfter(last)) {
        files.add(file);
      }
    }
    if (!files.isEmpty()) {
      compacted.set(level - 1, maxOf(primary.compact(level, files)));
    }
  }

  private void expireLevelZero(Instant now) {
    List<LtxFile> files = primary.replica().files(0);
    List<LtxFileName> expired = new ArrayList<>();
    for (LtxFile file : files.subList(0, Math.max(0, files.size() - 1))) {
      boolean isOld = !file.created().isAfter(now.minus(L0_RETENTION));
      if (isOld && !maxOf(file).isAfter(compacted.get(0))) {
        expired.add(file.name());
      }
    }
    primary.replica().delete(expired);
  }

  private void expireSnapshots(Instant now) {
    List<LtxFile> snapshots = primary.replica().files(LtxFileName.SNAPSHOT_LEVEL);
    List<LtxFileName> expired = new ArrayList<>();
    Txid covered = maxOf(snapshots.get(snapshots.size() - 1));
    for (LtxFile snapshot : snapshots.subList(0, snapshots.size() - 1)) {
      if (snapshot.created().isBefore(now.minus(SNAPSHOT_RETENTION))) {
        expired.add(snapshot.name());
      } else if (maxOf(snapshot).isBefore(covered)) {
        covered = maxOf(snapshot);
      }
    }
    for (int level = 1; level <= INTERVALS.size(); level++) {
      List<LtxFile> files = primary.replica().files(level);
      for (LtxFile file : files.subList(0, Math.max(0, files.size() - 1))) {
        if (maxOf(file).isBefore(covered)) {
          expired.add(file.name());
        }
      }
    }
    primary.replica().delete(expired);
  }

  private static Txid maxOf(LtxFile file) {
    return file.name().range().max();
  }
}
