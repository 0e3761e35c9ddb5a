package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.RestorePlan;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * What a replica holds at one moment, by level: what is decided from. Immutable.
 *
 * @param levels ten of them, each ascending by min, then max TXID
 * @param unusable names of files that are there, and must not be read
 */
record HeldFiles(List<List<HeldFile>> levels, Set<LtxFileName> unusable) {

  HeldFiles {
    levels = levels.stream().map(List::copyOf).toList();
    unusable = Set.copyOf(unusable);
  }

  /** Returns every file of a level. */
  List<HeldFile> level(int level) {
    return levels.get(level);
  }

  /** Returns the greatest TXID of a level; {@link Txid#NONE} if it has no file. */
  Txid max(int level) {
    return max(level(level));
  }

  /** Returns the greatest TXID of all. */
  Txid max() {
    Txid max = Txid.NONE;
    for (List<HeldFile> level : levels) {
      Txid end = max(level);
      max = end.isAfter(max) ? end : max;
    }
    return max;
  }

  private static Txid max(Collection<HeldFile> files) {
    return files.stream().map(HeldFile::max).max(Comparator.naturalOrder()).orElse(Txid.NONE);
  }

  /** Returns the usable files of some levels. */
  List<HeldFile> usable(int from, int to) {
    List<HeldFile> files = new ArrayList<>();
    for (List<HeldFile> level : levels.subList(from, to + 1)) {
      for (HeldFile file : level) {
        if (!unusable.contains(file.name())) {
          files.add(file);
        }
      }
    }
    return files;
  }

  /** Returns the usable snapshots, ascending by max TXID. */
  List<HeldFile> snapshots() {
    return usable(LtxFileName.SNAPSHOT_LEVEL, LtxFileName.SNAPSHOT_LEVEL).stream()
        .filter(file -> file.name().range().isSnapshot())
        .sorted(Comparator.comparing(HeldFile::max))
        .toList();
  }

  /** Returns what leads to the newest state that can be restored. */
  RestorePlan plan() {
    return furthest(usable(0, LtxFileName.SNAPSHOT_LEVEL));
  }

  /** Returns what some files lead to, from the newest snapshot among them on. */
  static RestorePlan furthest(Collection<HeldFile> files) {
    return RestorePlan.furthest(files.stream().map(HeldFile::forPlan).toList());
  }

  /** Returns the same without some files. */
  HeldFiles without(Collection<HeldFile> gone) {
    Set<HeldFile> left = Set.copyOf(gone);
    return new HeldFiles(
        levels.stream()
            .map(files -> files.stream().filter(file -> !left.contains(file)).toList())
            .toList(),
        unusable);
  }
}
