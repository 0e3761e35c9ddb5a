package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.TestPrimary;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * What happens to the files of a replica, at random: commits, compactions that may overlap,
 * snapshots, deletions. No name comes twice, for a name that comes again with other bytes is
 * another replica. Confined to one thread.
 */
final class ModelStorage {
  private static final int INPUTS_MAX = 12;
  private static final int HIGHEST_COMPACTION = 3;
  private static final Duration LEVEL_0_AGE = Duration.ofMinutes(5);
  private static final Duration AGE_ABOVE = Duration.ofHours(1);

  private final TestPrimary primary;
  private final MemoryReplica storage;
  private final Random random;
  private final Set<LtxFileName> names = new HashSet<>();

  ModelStorage(TestPrimary primary, Random random) {
    this.primary = primary;
    this.storage = primary.replica();
    this.random = random;
  }

  void commit(int pagesMax) {
    names.add(primary.commitAnything(random, pagesMax).name());
  }

  /** Merges files of one level that follow each other: the newest ones, or any. */
  void compact() {
    int level = random.nextInt(HIGHEST_COMPACTION);
    List<LtxFile> files = storage.files(level);
    if (files.isEmpty()) {
      return;
    }
    int from =
        random.nextBoolean()
            ? random.nextInt(files.size())
            : Math.max(0, files.size() - 1 - random.nextInt(INPUTS_MAX));
    List<LtxFile> inputs = new ArrayList<>(files.subList(from, from + 1));
    int most = 1 + random.nextInt(INPUTS_MAX);
    for (LtxFile file : files.subList(from + 1, files.size())) {
      Txid reached = inputs.get(inputs.size() - 1).name().range().max();
      if (inputs.size() < most && file.name().range().follows(reached)) {
        inputs.add(file);
      }
    }
    Txid min = inputs.get(0).name().range().min();
    Txid max = inputs.get(inputs.size() - 1).name().range().max();
    int target = level + 1 + random.nextInt(HIGHEST_COMPACTION - level);
    if (names.add(new LtxFileName(target, new TxidRange(min, max)))) {
      primary.compact(target, inputs);
    }
  }

  /** Stores a snapshot of a TXID of late. */
  void snapshot() {
    long newest = primary.history().txid().value();
    snapshot(new Txid(Math.max(1, newest - random.nextInt(20))));
  }

  void snapshotOfNewest() {
    snapshot(primary.history().txid());
  }

  private void snapshot(Txid txid) {
    TxidRange range = new TxidRange(Txid.FIRST, txid);
    if (names.add(new LtxFileName(LtxFileName.SNAPSHOT_LEVEL, range))) {
      primary.snapshot(txid);
    }
  }

  /**
   * Returns some of the listed files that retention may delete: old, and covered by a listed file
   * of a higher level; snapshots by a newer one.
   */
  List<LtxFile> expired() {
    List<LtxFile> listed = storage.listed();
    Instant now = primary.now();
    List<LtxFile> expired = new ArrayList<>();
    for (LtxFile file : listed) {
      Duration age = file.name().level() == 0 ? LEVEL_0_AGE : AGE_ABOVE;
      boolean isOld = !file.created().isAfter(now.minus(age));
      if (isOld && random.nextInt(4) > 0 && listed.stream().anyMatch(each -> covers(each, file))) {
        expired.add(file);
      }
    }
    return expired;
  }

  private static boolean covers(LtxFile file, LtxFile other) {
    int level = other.name().level();
    int least = level == 0 ? 1 : LtxFileName.SNAPSHOT_LEVEL;
    TxidRange range = file.name().range();
    TxidRange covered = other.name().range();
    return file.name().level() >= least
        && !range.min().isAfter(covered.min())
        && (level == LtxFileName.SNAPSHOT_LEVEL
            ? range.max().isAfter(covered.max())
            : !range.max().isBefore(covered.max()));
  }

  void delete(List<LtxFile> files) {
    storage.delete(files.stream().map(LtxFile::name).toList());
  }

  /**
   * Deletes a few files, of any age, covered or not. The newest of each level stay: a replica of
   * which nothing is left that was known is no replica.
   */
  void deleteAnything() {
    List<LtxFile> some = new ArrayList<>();
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      List<LtxFile> files = storage.files(level);
      for (LtxFile file : files.subList(0, Math.max(0, files.size() - 1))) {
        if (random.nextInt(8) == 0) {
          some.add(file);
        }
      }
    }
    delete(some);
  }
}
