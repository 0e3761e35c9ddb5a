package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The files that carry a history on from a TXID, each following contiguously on the one before: a
 * pure function of a listing. Immutable.
 *
 * <p>Of the files that may follow it takes the one that reaches furthest; of several the one that
 * begins last, because it says least again of what is known already.
 *
 * @param files in the order in which they are applied; none if nothing follows
 * @param end the TXID that they lead to
 * @param newest the greatest TXID that a file of the listing ends at, or {@code end} if none is
 *     later: where it is later there is a gap after {@code end}
 */
record Chain(List<LtxFile> files, Txid end, Txid newest) {
  private static final Comparator<LtxFile> BY_MIN =
      Comparator.comparing(file -> file.name().range().min());

  private static final Comparator<LtxFile> BY_USE =
      Comparator.<LtxFile, Txid>comparing(file -> file.name().range().max())
          .thenComparing(file -> file.name().range().min())
          .thenComparing(file -> -file.name().level());

  /** Returns what follows on {@code reached}; files that are not usable are left out. */
  static Chain after(Txid reached, Collection<LtxFile> listed, Collection<LtxFile> unusable) {
    Txid newest =
        listed.stream()
            .map(file -> file.name().range().max())
            .filter(max -> max.isAfter(reached))
            .max(Comparator.naturalOrder())
            .orElse(reached);
    List<LtxFile> byMin =
        listed.stream()
            .filter(file -> file.name().range().max().isAfter(reached))
            .filter(file -> !unusable.contains(file))
            .sorted(BY_MIN)
            .toList();
    List<LtxFile> chosen = new ArrayList<>();
    Txid end = reached;
    Optional<LtxFile> best = Optional.empty();
    int met = 0;
    while (true) {
      for (; met < byMin.size() && beginsBy(byMin.get(met), end.next()); met++) {
        LtxFile file = byMin.get(met);
        if (best.isEmpty() || BY_USE.compare(file, best.get()) > 0) {
          best = Optional.of(file);
        }
      }
      if (best.isEmpty() || !best.get().name().range().max().isAfter(end)) {
        return new Chain(List.copyOf(chosen), end, newest);
      }
      chosen.add(best.get());
      end = best.get().name().range().max();
    }
  }

  private static boolean beginsBy(LtxFile file, Txid txid) {
    return !file.name().range().min().isAfter(txid);
  }

  boolean isEmpty() {
    return files.isEmpty();
  }

  /** Returns whether there are files beyond what can be reached. */
  boolean hasGap() {
    return newest.isAfter(end);
  }
}
