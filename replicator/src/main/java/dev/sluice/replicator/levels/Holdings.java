package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What one replica holds: from a listing, and from then on from what we stored and deleted.
 *
 * <p>Of most files only name and time are kept. How a file is to be read, its version, is kept of
 * those that are still to be compacted.
 *
 * <p>Changes, under its private lock; thread-safe.
 */
final class Holdings {
  /**
   * A listing may tell the time of a file's last transaction instead of when it was stored: that
   * was so much later at most, or when it was listed.
   */
  static final Duration STORED_LATER_MAX = Duration.ofDays(1);

  private final Object lock = new Object();
  // All below changes under the lock.
  private final ClockWatch clock;
  private final List<FileRows> levels = new ArrayList<>();
  private final Map<LtxFileName, LtxFile> readable = new HashMap<>();
  private final Set<LtxFileName> unusable = new HashSet<>();
  private final List<Changes> watches = new ArrayList<>();

  /**
   * @param clock used here only
   */
  Holdings(ClockWatch clock) {
    this.clock = clock;
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      levels.add(new FileRows(level));
    }
  }

  /** What was stored and deleted since a listing began, which may have missed it. */
  final class Changes implements AutoCloseable {
    // Both change under the lock of the holdings.
    private final Set<LtxFileName> added = new HashSet<>();
    private final Set<LtxFileName> removed = new HashSet<>();

    private void add(LtxFileName name) {
      added.add(name);
      removed.remove(name);
    }

    private void remove(LtxFileName name) {
      added.remove(name);
      removed.add(name);
    }

    /** Ends the watch. */
    @Override
    public void close() {
      synchronized (lock) {
        watches.remove(this);
      }
    }
  }

  /** Watches what changes from now on; to be called before a listing's first request. */
  Changes watch() {
    Changes changes = new Changes();
    synchronized (lock) {
      watches.add(changes);
    }
    return changes;
  }

  /** Takes a listing that has just ended for the truth, but for what has changed meanwhile. */
  void replace(Collection<LtxFile> listing, Changes meanwhile) {
    synchronized (lock) {
      Instant now = clock.now();
      Map<LtxFileName, LtxFile> readableBefore = new HashMap<>(readable);
      Map<LtxFileName, Instant> times = new HashMap<>();
      held().forEach(file -> times.put(file.name(), file.since()));
      levels.replaceAll(rows -> new FileRows(rows.level()));
      readable.clear();
      for (LtxFile file : listing) {
        if (!meanwhile.removed.contains(file.name())) {
          hold(file, times.getOrDefault(file.name(), storedBy(file, now)));
        }
      }
      for (LtxFileName name : meanwhile.added) {
        row(name).add(name.range(), times.getOrDefault(name, now));
        Optional.ofNullable(readableBefore.get(name))
            .ifPresent(known -> readable.putIfAbsent(name, known));
      }
      unusable.removeIf(name -> row(name).since(name.range()).isEmpty());
    }
  }

  private void hold(LtxFile file, Instant since) {
    row(file.name()).add(file.name().range(), since);
    readable.put(file.name(), file);
  }

  private static Instant storedBy(LtxFile file, Instant now) {
    boolean isSnapshot = file.name().level() == LtxFileName.SNAPSHOT_LEVEL;
    Instant latest = isSnapshot ? file.created() : file.created().plus(STORED_LATER_MAX);
    return latest.isBefore(now) ? latest : now;
  }

  private FileRows row(LtxFileName name) {
    return levels.get(name.level());
  }

  /** Adds a file that has just been stored. */
  void add(LtxFile file) {
    synchronized (lock) {
      add(file, clock.now());
    }
  }

  /** Adds a file that is stored, and as old as a time of the ticker. */
  void add(LtxFile file, long sinceNanos) {
    synchronized (lock) {
      add(file, clock.at(sinceNanos));
    }
  }

  private void add(LtxFile file, Instant since) {
    hold(file, since);
    watches.forEach(changes -> changes.add(file.name()));
  }

  /** Removes files that are deleted, or that are not looked after any more. */
  void remove(Collection<LtxFileName> names) {
    synchronized (lock) {
      for (LtxFileName name : names) {
        row(name).remove(name.range());
        watches.forEach(changes -> changes.remove(name));
        readable.remove(name);
        unusable.remove(name);
      }
    }
  }

  /**
   * Returns by how much the clock was set since this was last called; mostly zero. The times of all
   * files have moved with it.
   */
  Duration lookAtClock() {
    synchronized (lock) {
      Duration step = clock.step();
      if (!step.isZero()) {
        levels.forEach(rows -> rows.shift(step));
      }
      return step;
    }
  }

  /** Returns the time by which the ages of the files are to be told. */
  Instant now() {
    synchronized (lock) {
      return clock.now();
    }
  }

  /** Remembers that files are there but must not be used: malformed, or part of a gap. */
  void markUnusable(Collection<LtxFileName> names) {
    synchronized (lock) {
      unusable.addAll(names);
    }
  }

  /** Forgets how files are read that nobody will read again; not of the newest. */
  void trim(int top) {
    synchronized (lock) {
      Txid snapshot = levels.get(LtxFileName.SNAPSHOT_LEVEL).max();
      Txid newest = newest();
      readable
          .keySet()
          .removeIf(
              name -> {
                int level = name.level();
                Txid max = name.range().max();
                boolean isSnapshot = level == LtxFileName.SNAPSHOT_LEVEL;
                Txid covered = level < top ? levels.get(level + 1).max() : snapshot;
                boolean isRead = isSnapshot ? !max.isBefore(snapshot) : max.isAfter(covered);
                return !isRead && max.isBefore(newest);
              });
    }
  }

  /** Returns the file as it was stored or listed, if that is still known. */
  Optional<LtxFile> find(LtxFileName name) {
    synchronized (lock) {
      return Optional.ofNullable(readable.get(name));
    }
  }

  /** Returns what there is. */
  HeldFiles files() {
    synchronized (lock) {
      return new HeldFiles(levels.stream().map(FileRows::files).toList(), unusable);
    }
  }

  private List<HeldFile> held() {
    return levels.stream().flatMap(rows -> rows.files().stream()).toList();
  }

  /** Returns the greatest TXID of all, usable or not; {@link Txid#NONE} of an empty replica. */
  Txid newest() {
    synchronized (lock) {
      return levels.stream().map(FileRows::max).reduce(Txid.NONE, (a, b) -> a.isAfter(b) ? a : b);
    }
  }

  /** Returns the greatest TXID of a level. */
  Txid max(int level) {
    synchronized (lock) {
      return levels.get(level).max();
    }
  }

  /** Returns how many files each level has. */
  List<Integer> counts() {
    synchronized (lock) {
      return levels.stream().map(FileRows::count).toList();
    }
  }
}
