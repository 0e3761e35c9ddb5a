package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which files become the next file of a level: a pure function of what there is.
 *
 * <p>They go on where the level ends, without a gap, up to where the level below ends; what is
 * unusable there may be had from the levels below that. Where a level is empty it begins after the
 * oldest snapshot: what is in that is not written once per level. Where nothing follows on the
 * level's end, because history has a gap or begins anew with another page size, it goes on after
 * the first snapshot behind.
 */
final class CompactionChoice {
  /** More are compacted into several files: each input has a buffer. */
  static final int INPUTS_MAX = 1_000;

  /** The better of two that may follow is the greater. */
  private static final Comparator<HeldFile> BY_REACH =
      Comparator.comparing(HeldFile::max)
          .thenComparing(Comparator.comparing(HeldFile::min).reversed())
          .thenComparing(file -> file.name().level());

  private CompactionChoice() {}

  /**
   * Returns the inputs of the next file of a level, in the order of history; none if there is
   * nothing new, or nothing that follows.
   *
   * @param beginnings TXIDs at which history begins anew, for which there is a snapshot
   */
  static List<LtxFileName> inputs(HeldFiles held, int level, Set<Txid> beginnings) {
    Txid limit = held.max(level - 1);
    List<HeldFile> sources =
        held.usable(0, level - 1).stream()
            .filter(file -> !file.max().isAfter(limit))
            .sorted(Comparator.comparing(HeldFile::min))
            .toList();
    List<Txid> snapshots = held.snapshots().stream().map(HeldFile::max).toList();
    Optional<Txid> reached = Optional.of(held.max(level));
    if (reached.get().equals(Txid.NONE) && !snapshots.isEmpty()) {
      reached = Optional.of(snapshots.get(0));
    }
    while (reached.isPresent()) {
      Txid from = reached.get();
      boolean isBeginning = beginnings.contains(from.next()) && snapshots.contains(from.next());
      List<LtxFileName> chain = isBeginning ? List.of() : chain(sources, from, beginnings);
      if (!chain.isEmpty()) {
        return chain;
      }
      reached = snapshots.stream().filter(end -> end.isAfter(from)).findFirst();
    }
    return List.of();
  }

  /** As a restore plan is made: files are met in the order of their min TXID. */
  private static List<LtxFileName> chain(List<HeldFile> byMin, Txid from, Set<Txid> beginnings) {
    List<LtxFileName> chosen = new ArrayList<>();
    Txid reached = from;
    Optional<HeldFile> best = Optional.empty();
    int met = 0;
    while (chosen.size() < INPUTS_MAX
        && (chosen.isEmpty() || !beginnings.contains(reached.next()))) {
      for (; met < byMin.size() && !byMin.get(met).min().isAfter(reached.next()); met++) {
        HeldFile file = byMin.get(met);
        if (best.isEmpty() || BY_REACH.compare(file, best.get()) > 0) {
          best = Optional.of(file);
        }
      }
      if (best.isEmpty() || !best.get().max().isAfter(reached)) {
        break;
      }
      chosen.add(best.get().name());
      reached = best.get().max();
    }
    return chosen;
  }
}
