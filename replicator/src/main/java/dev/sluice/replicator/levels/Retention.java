package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which files of a replica nobody needs any more: a pure function of what there is and of the time.
 *
 * <p>Snapshots and levels: the oldest point that stays restorable is the newest snapshot that is as
 * old as the retention; what ends before it goes. So every state of that time can be restored that
 * a level has an end for. Of each level the newest file stays: it says where the level ends.
 *
 * <p>Level 0: a file goes when files of higher levels, all of which stay, have led from a snapshot
 * over it without a gap for as long as the retention, and level 1 is past it. The newest stays. Its
 * own age says nothing: after an hour without storage a file is old when it is stored.
 */
final class Retention {
  private final LevelSettings settings;

  Retention(LevelSettings settings) {
    this.settings = settings;
  }

  /** Returns what is done with at {@code now}. */
  List<LtxFileName> expired(HeldFiles held, Instant now) {
    List<HeldFile> old = expiredHistory(held, now);
    List<HeldFile> expired = new ArrayList<>(old);
    expired.addAll(expiredLevelZero(held.without(old), now));
    return expired.stream().map(HeldFile::name).toList();
  }

  private List<HeldFile> expiredHistory(HeldFiles held, Instant now) {
    Instant cutoff = now.minus(settings.snapshotRetention());
    Optional<HeldFile> oldest =
        held.snapshots().stream()
            .filter(snapshot -> !snapshot.since().isAfter(cutoff))
            .reduce((older, newer) -> newer);
    return oldest.map(snapshot -> before(held, snapshot.max())).orElse(List.of());
  }

  /** Returns what ends before a TXID at which a snapshot ends. */
  private List<HeldFile> before(HeldFiles held, Txid oldest) {
    List<HeldFile> files = new ArrayList<>();
    int lowest = settings.l0Retention().isZero() ? 0 : 1;
    for (int level = lowest; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      Txid newest = held.max(level);
      for (HeldFile file : held.level(level)) {
        if (file.max().isBefore(oldest) && file.max().isBefore(newest)) {
          files.add(file);
        }
      }
    }
    return files;
  }

  private List<HeldFile> expiredLevelZero(HeldFiles held, Instant now) {
    if (settings.l0Retention().isZero()) {
      return List.of();
    }
    return coveredLevelZero(held, now.minus(settings.l0Retention()));
  }

  private List<HeldFile> coveredLevelZero(HeldFiles held, Instant cutoff) {
    List<HeldFile> covering =
        held.usable(1, LtxFileName.SNAPSHOT_LEVEL).stream()
            .filter(file -> !file.since().isAfter(cutoff))
            .toList();
    Txid covered = HeldFiles.furthest(covering).txid();
    Txid compacted = settings.top() == 0 ? Txid.MAX : held.max(1);
    Txid newest = held.max(0);
    return held.level(0).stream()
        .filter(file -> !file.max().isAfter(covered))
        .filter(file -> !file.max().isAfter(compacted))
        .filter(file -> file.max().isBefore(newest))
        .toList();
  }

  /** Returns when the next file is done with if nothing changes; empty if none ever is. */
  Optional<Instant> nextExpiry(HeldFiles held) {
    List<Instant> times = new ArrayList<>();
    Duration retention = settings.snapshotRetention();
    held.snapshots().stream()
        .filter(snapshot -> !before(held, snapshot.max()).isEmpty())
        .findFirst()
        .ifPresent(snapshot -> times.add(snapshot.since().plus(retention)));
    if (!settings.l0Retention().isZero()) {
      nextCovered(held).ifPresent(since -> times.add(since.plus(settings.l0Retention())));
    }
    return times.stream().min(Instant::compareTo);
  }

  /** Returns since when the first level-0 file that can go is covered. */
  private Optional<Instant> nextCovered(HeldFiles held) {
    if (coveredLevelZero(held, Instant.MAX).isEmpty()) {
      return Optional.empty();
    }
    // Each time at which something came is a time at which more may be covered.
    List<Instant> times =
        held.usable(1, LtxFileName.SNAPSHOT_LEVEL).stream()
            .map(HeldFile::since)
            .distinct()
            .sorted()
            .toList();
    int low = 0;
    int high = times.size() - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (coveredLevelZero(held, times.get(middle)).isEmpty()) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return Optional.of(times.get(low));
  }
}
