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
  private static final Duration STORED_LATER_MAX = Duration.ofHours(1);

  private final Object lock = new Object();
  private final List<FileRows> levels = new ArrayList<>();
  private final Map<LtxFileName, LtxFile> readable = new HashMap<>();
  private final Set<LtxFileName> unusable = new HashSet<>();

  Holdings() {
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      levels.add(new FileRows(level));
    }
  }

  /**
   * Takes a listing of all levels for the truth, but for what was added after it began.
   *
   * @param begun before the first request
   * @param now after the last answer
   */
  void replace(Collection<LtxFile> listing, Instant begun, Instant now) {
    synchronized (lock) {
      List<HeldFile> before = held();
      Map<LtxFileName, LtxFile> readableBefore = new HashMap<>(readable);
      Map<LtxFileName, Instant> times = new HashMap<>();
      before.forEach(file -> times.put(file.name(), file.since()));
      levels.replaceAll(rows -> new FileRows(rows.level()));
      readable.clear();
      for (LtxFile file : listing) {
        Instant since = times.getOrDefault(file.name(), storedBy(file, now));
        add(file, since);
      }
      for (HeldFile file : before) {
        if (!file.since().isBefore(begun)) {
          row(file.name()).add(file.name().range(), file.since());
          Optional.ofNullable(readableBefore.get(file.name()))
              .ifPresent(known -> readable.putIfAbsent(known.name(), known));
        }
      }
      unusable.removeIf(name -> row(name).since(name.range()).isEmpty());
    }
  }

  private static Instant storedBy(LtxFile file, Instant now) {
    boolean isSnapshot = file.name().level() == LtxFileName.SNAPSHOT_LEVEL;
    Instant latest = isSnapshot ? file.created() : file.created().plus(STORED_LATER_MAX);
    return latest.isBefore(now) ? latest : now;
  }

  private FileRows row(LtxFileName name) {
    return levels.get(name.level());
  }

  /** Adds a file that is stored. */
  void add(LtxFile file, Instant since) {
    synchronized (lock) {
      row(file.name()).add(file.name().range(), since);
      readable.put(file.name(), file);
    }
  }

  /** Removes files that are deleted, or that are not looked after any more. */
  void remove(Collection<LtxFileName> names) {
    synchronized (lock) {
      for (LtxFileName name : names) {
        row(name).remove(name.range());
        readable.remove(name);
        unusable.remove(name);
      }
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
