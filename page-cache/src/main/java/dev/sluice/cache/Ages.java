package dev.sluice.cache;

import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Tells which files retention may delete soon: those that a higher level covers and that are past
 * half the age at which such files were seen to go.
 *
 * <p>Time is the storage's own: the newest file's, and what has passed here since it was first
 * seen; it does not go back for files that come late, as after an outage of their writer; a writer
 * whose clock was ahead makes files look older than they are, which costs some early work. A clock
 * of this host that is wrong, or jumps, changes nothing. Until a file was seen to go, Litestream's
 * default is assumed for level 0, and an hour for the others, whose files stay as long as
 * snapshots. A file that is listed again has not gone. Confined to one thread at a time.
 */
final class Ages {
  private static final Duration LEVEL_0 = Duration.ofMinutes(5);
  private static final Duration ABOVE = Duration.ofHours(1);

  private final LongSupplier ticker;
  private final Age levelZero = new Age(LEVEL_0);
  private final Age above = new Age(ABOVE);
  private Optional<Instant> newest = Optional.empty();
  private long newestNanos;

  Ages(LongSupplier ticker) {
    this.ticker = ticker;
  }

  /** Takes a complete listing and the one before. */
  void observe(List<LtxFile> before, List<LtxFile> now) {
    now.stream()
        .map(LtxFile::created)
        .max(Comparator.naturalOrder())
        .filter(created -> newest.isEmpty() || created.isAfter(storageTime(newest.get())))
        .ifPresent(this::startFrom);
    Set<LtxFileName> present = new HashSet<>();
    now.forEach(file -> present.add(file.name()));
    levelZero.confirm(present);
    above.confirm(present);
    for (LtxFile file : before) {
      Duration age = age(file);
      if (!present.contains(file.name()) && !age.isNegative()) {
        ageOf(file).note(file.name(), age);
      }
    }
  }

  private Age ageOf(LtxFile file) {
    return file.name().level() == 0 ? levelZero : above;
  }

  private void startFrom(Instant created) {
    newest = Optional.of(created);
    newestNanos = ticker.getAsLong();
  }

  private Instant storageTime(Instant newestCreated) {
    return newestCreated.plusNanos(ticker.getAsLong() - newestNanos);
  }

  private Duration age(LtxFile file) {
    return Duration.between(file.created(), newest.map(this::storageTime).orElse(file.created()));
  }

  /** Returns how old a file of level 0 was at least when it was deleted, as far as was seen. */
  Duration levelZeroAge() {
    return levelZero.least();
  }

  /** Returns those files of a complete listing that may go soon. */
  Set<LtxFile> expiring(List<LtxFile> listed) {
    Cover cover = Cover.of(listed);
    Set<LtxFile> expiring = new HashSet<>();
    for (LtxFile file : listed) {
      if (cover.hasAbove(file) && age(file).compareTo(ageOf(file).least().dividedBy(2)) > 0) {
        expiring.add(file);
      }
    }
    return expiring;
  }

  /** The least age at which files went. */
  private static final class Age {
    private final Map<LtxFileName, Duration> ofLastGone = new HashMap<>();
    private Duration least;

    Age(Duration assumed) {
      this.least = assumed;
    }

    /** Counts for good those that were not in the last listing and are not in this one. */
    void confirm(Set<LtxFileName> present) {
      ofLastGone.keySet().removeAll(present);
      least = least();
      ofLastGone.clear();
    }

    void note(LtxFileName gone, Duration age) {
      ofLastGone.put(gone, age);
    }

    Duration least() {
      return ofLastGone.values().stream()
          .filter(age -> age.compareTo(least) < 0)
          .min(Comparator.naturalOrder())
          .orElse(least);
    }
  }

  /** How far each level reaches. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Cover(long[] maxByLevel) {

    static Cover of(Collection<LtxFile> files) {
      long[] max = new long[LtxFileName.SNAPSHOT_LEVEL + 1];
      for (LtxFile file : files) {
        int level = file.name().level();
        long end = file.name().range().max().value();
        max[level] = Long.compareUnsigned(end, max[level]) > 0 ? end : max[level];
      }
      return new Cover(max);
    }

    /**
     * Returns whether retention may do without a file: of level 0 if a higher level reaches as far,
     * of the others if a snapshot does, of snapshots if there is a newer one.
     */
    boolean hasAbove(LtxFile file) {
      int level = file.name().level();
      long end = file.name().range().max().value();
      if (level == LtxFileName.SNAPSHOT_LEVEL) {
        return Long.compareUnsigned(maxByLevel[level], end) > 0;
      }
      for (int above = level == 0 ? 1 : LtxFileName.SNAPSHOT_LEVEL;
          above <= LtxFileName.SNAPSHOT_LEVEL;
          above++) {
        if (Long.compareUnsigned(maxByLevel[above], end) >= 0) {
          return true;
        }
      }
      return false;
    }
  }
}
