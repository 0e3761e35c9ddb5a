package dev.sluice.replicator.levels;

import dev.sluice.ltx.Crc64;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/** When what is due: a pure function of what a replica holds. Immutable. */
final class LevelSchedule {
  /** Snapshots of many replicas are spread over this part of their interval. */
  private static final int SPREAD = 4;

  private final LevelSettings settings;
  private final Duration snapshotOffset;

  /**
   * @param location where the replica is, which says when in a window its snapshots are due: those
   *     of a thousand replicas do not come at once, and those of one are not moved by a restart
   */
  LevelSchedule(LevelSettings settings, String location) {
    this.settings = settings;
    long spreadMillis = Math.max(1, settings.snapshotInterval().toMillis() / SPREAD);
    long hash = Crc64.of(location.getBytes(StandardCharsets.UTF_8));
    this.snapshotOffset = Duration.ofMillis(Long.remainderUnsigned(hash, spreadMillis));
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

  /**
   * Returns when the next snapshot is due: at the end of the window of the last, or at once. The
   * windows begin later than others, by what the replica's location says.
   */
  Instant snapshot(HeldFiles held) {
    Txid reached = held.plan().txid();
    List<HeldFile> snapshots = held.snapshots();
    if (snapshots.isEmpty()) {
      return reached.equals(Txid.NONE) ? Levels.NEVER : Instant.EPOCH;
    }
    HeldFile newest = snapshots.get(snapshots.size() - 1);
    // A snapshot that is unusable keeps its name: another one comes with the next TXID.
    return reached.isAfter(held.max(LtxFileName.SNAPSHOT_LEVEL))
        ? Windows.end(newest.since().minus(snapshotOffset), settings.snapshotInterval())
            .plus(snapshotOffset)
        : Levels.NEVER;
  }

  /** Returns when the next file of any level is due. */
  Instant compaction(HeldFiles held, Set<Txid> beginnings) {
    Instant next = Levels.NEVER;
    for (int level = 1; level <= settings.top(); level++) {
      next = earlier(next, compaction(held, level, beginnings));
    }
    return next;
  }

  static Instant earlier(Instant one, Instant other) {
    return one.isBefore(other) ? one : other;
  }
}
