package dev.sluice.storage;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A search with many probes at once for the last TXID whose state is before an instant: which
 * headers to read next, and what they told. Makes no request. Confined to one thread at a time.
 */
final class TimeSearch {

  /** The most headers read in one round. */
  static final int PROBES = 16;

  /** The file whose header tells best when its last TXID was. */
  static final Comparator<LtxFile> TELLING_FIRST =
      Comparator.comparing((LtxFile file) -> file.name().level() == LtxFileName.SNAPSHOT_LEVEL)
          .thenComparing(LtxFile::size);

  private final List<LtxFile> byMin;
  private final Instant before;
  private final List<End> ends;
  private final NavigableSet<Integer> later = new TreeSet<>();
  private int last;
  private int firstLater;
  private boolean isFirstRound = true;

  /**
   * A TXID at which files end. Those whose headers may still be asked for its time are in {@code
   * files}.
   */
  private static final class End {
    final Txid txid;
    final Deque<LtxFile> files = new ArrayDeque<>();
    Optional<LtxFormatException> failure = Optional.empty();

    End(Txid txid) {
      this.txid = txid;
    }
  }

  TimeSearch(Collection<LtxFile> files, Instant before, Set<LtxFile> excluding)
      throws PlanException {
    if (files.isEmpty()) {
      throw new PlanException.NoFiles();
    }
    this.before = before;
    this.byMin = RestorePlan.usable(files, excluding);
    Map<Txid, End> byTxid = new TreeMap<>();
    for (LtxFile file : files.stream().sorted(TELLING_FIRST).toList()) {
      End end = byTxid.computeIfAbsent(file.name().range().max(), End::new);
      if (!excluding.contains(file)) {
        end.files.add(file);
      }
    }
    this.ends = List.copyOf(byTxid.values());
    this.last = -1;
    this.firstLater = ends.size();
  }

  /**
   * Returns which ends to learn the times of, at most {@link #PROBES}; none if the search is over.
   */
  Set<Integer> probes() {
    List<Integer> open = new ArrayList<>();
    for (int i = last + 1; i < firstLater; i++) {
      if (!ends.get(i).files.isEmpty()) {
        open.add(i);
      }
    }
    if (open.size() <= PROBES) {
      return new TreeSet<>(open);
    }
    Set<Integer> probes = new TreeSet<>();
    if (isFirstRound) {
      addAround(guess(open), open, probes);
    }
    int evenly = PROBES - probes.size();
    for (int i = 1; i <= evenly; i++) {
      probes.add(open.get((int) ((long) open.size() * i / (evenly + 1))));
    }
    isFirstRound = false;
    return probes;
  }

  /**
   * Returns the place in {@code open} of the last end that the listing says is before the instant.
   */
  private int guess(List<Integer> open) {
    int guess = 0;
    for (int i = 0; i < open.size(); i++) {
      if (ends.get(open.get(i)).files.getFirst().created().isBefore(before)) {
        guess = i;
      }
    }
    return guess;
  }

  /**
   * An upload is a little later than its header, so the neighbours are probed too, near ones
   * densely.
   */
  private static void addAround(int guess, List<Integer> open, Set<Integer> probes) {
    for (int step : new int[] {0, 1, -1, 2, 4, -4, 8, 16, -16, 64}) {
      int place = guess + step;
      if (place >= 0 && place < open.size()) {
        probes.add(open.get(place));
      }
    }
  }

  /** Returns the file whose header tells an end's time best. */
  LtxFile fileAt(int end) {
    return ends.get(end).files.getFirst();
  }

  void learn(int index, TimeTarget.HeaderTime answer) {
    End end = ends.get(index);
    if (answer.time().isEmpty()) {
      end.failure = answer.failure();
      end.files.removeFirst();
    } else if (answer.time().get().isBefore(before)) {
      last = Math.max(last, index);
    } else {
      later.add(index);
    }
    // Where clocks went backwards the greatest TXID before the instant counts.
    Integer next = later.higher(last);
    firstLater = next == null ? ends.size() : next;
  }

  /** Returns the TXID, once there is nothing left to probe. */
  Txid result() throws PlanException, LtxFormatException {
    Txid nearest = last < 0 ? Txid.NONE : RestorePlan.furthest(byMin, ends.get(last).txid).txid();
    if (last + 1 < firstLater) {
      // Its time cannot be known, so it may be the state that is meant: an older one must not pass
      // for it.
      Optional<LtxFormatException> failure = ends.get(last + 1).failure;
      if (failure.isPresent()) {
        throw failure.get();
      }
      throw new PlanException.Gap(nearest);
    }
    Txid reach = RestorePlan.furthest(byMin, Txid.MAX).txid();
    if (last >= 0 && ends.get(last).txid.isAfter(reach)) {
      throw new PlanException.Gap(reach);
    }
    if (!nearest.equals(Txid.NONE)) {
      return nearest;
    }
    if (reach.equals(Txid.NONE)) {
      throw new PlanException.Gap(Txid.NONE);
    }
    Txid from = last < 0 ? Txid.NONE : ends.get(last).txid;
    throw PlanException.NotReachable.time(before, RestorePlan.smallestReachableAfter(byMin, from));
  }
}
