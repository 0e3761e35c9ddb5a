package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/** When what is due: a pure function of what a replica holds. Immutable. */
final class LevelSchedule {
  private final LevelSettings settings;
  private final Retention retention;

  LevelSchedule(LevelSettings settings, Retention retention) {
    this.settings = settings;
    this.retention = retention;
  }

  /** Returns when the next file of a level is due: at the end of the window of its first input. */
  Instant compaction(HeldFiles held, int level, Set<Txid> beginnings) {
    List<LtxFileName> inputs = CompactionChoice.inputs(held, level, beginnings);
    if (inputs.isEmpty()) {
      return Levels.NEVER;
    }
    LtxFileName first = inputs.get(0);
    return held.level(first.level()).stream()
        .filter(file -> file.name().equals(first))
        .map(file -> Windows.end(file.since(), settings.interval(level)))
        .findFirst()
        .orElseThrow();
  }

  /** Returns when the next snapshot is due: at the end of the window of the last, or at once. */
  Instant snapshot(HeldFiles held) {
    Txid reached = held.plan().txid();
    List<HeldFile> snapshots = held.snapshots();
    if (snapshots.isEmpty()) {
      return reached.equals(Txid.NONE) ? Levels.NEVER : Instant.EPOCH;
    }
    HeldFile newest = snapshots.get(snapshots.size() - 1);
    // A snapshot that is unusable keeps its name: another one comes with the next TXID.
    return reached.isAfter(held.max(LtxFileName.SNAPSHOT_LEVEL))
        ? Windows.end(newest.since(), settings.snapshotInterval())
        : Levels.NEVER;
  }

  /** Returns when anything is due. */
  Instant next(HeldFiles held, Set<Txid> beginnings) {
    Instant next = earlier(retention.nextExpiry(held).orElse(Levels.NEVER), snapshot(held));
    for (int level = 1; level <= settings.top(); level++) {
      next = earlier(next, compaction(held, level, beginnings));
    }
    return next;
  }

  static Instant earlier(Instant one, Instant other) {
    return one.isBefore(other) ? one : other;
  }
}
