package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The files that, applied in order, give the database at one TXID: a pure function of a listing.
 *
 * <p>It begins at the newest level-9 snapshot that does not pass the target, then takes again and
 * again, over all levels, the file that follows contiguously, does not pass the target and reaches
 * furthest (ties: smallest min, then highest level). No other choice reaches further, because
 * whatever follows a shorter history also follows a longer one. Immutable.
 */
public final class RestorePlan {
  private static final Comparator<LtxFile> BY_MIN = Comparator.comparing(RestorePlan::min);

  /** The better file of two that may both follow is the greater. */
  private static final Comparator<LtxFile> BY_REACH =
      Comparator.comparing(RestorePlan::max)
          .thenComparing(Comparator.comparing(RestorePlan::min).reversed())
          .thenComparing(file -> file.name().level());

  private final List<LtxFile> files;
  private final Txid txid;

  private RestorePlan(List<LtxFile> files, Txid txid) {
    this.files = List.copyOf(files);
    this.txid = txid;
  }

  /** As {@link #of(Collection, Target.ByTxid, Set)}, with every file. */
  public static RestorePlan of(Collection<LtxFile> files, Target.ByTxid target)
      throws PlanException {
    return of(files, target, Set.of());
  }

  /**
   * Returns the plan for a target.
   *
   * <p>The latest plan never stops short: if a file (an excluded one too) ends beyond what can be
   * reached, the newest state is not known and the plan fails.
   *
   * @param files the listing of every level, in any order
   * @param excluding files that must not be used, because they are malformed or gone
   * @throws PlanException.NoFiles if there are no files
   * @throws PlanException.Gap if a file that is needed is missing or excluded
   * @throws PlanException.NotReachable if no file ends at the target
   */
  public static RestorePlan of(
      Collection<LtxFile> files, Target.ByTxid target, Set<LtxFile> excluding)
      throws PlanException {
    if (files.isEmpty()) {
      throw new PlanException.NoFiles();
    }
    List<LtxFile> usable = usable(files, excluding);
    if (target instanceof Target.AtTxid at) {
      return at(files, usable, at.txid());
    }
    RestorePlan plan = furthest(usable, Txid.MAX);
    if (greatestMax(files).isAfter(plan.txid)) {
      throw new PlanException.Gap(plan.txid);
    }
    return plan;
  }

  /**
   * Returns the plan that reaches furthest, whatever lies behind a gap; one of no files, at {@link
   * Txid#NONE}, if none begins at TXID 1. For whoever looks after a replica, not for reading it.
   */
  public static RestorePlan furthest(Collection<LtxFile> files) {
    return furthest(usable(files, Set.of()), Txid.MAX);
  }

  /** Returns the files that may be used, ascending by min TXID. */
  static List<LtxFile> usable(Collection<LtxFile> files, Set<LtxFile> excluding) {
    return files.stream().filter(file -> !excluding.contains(file)).sorted(BY_MIN).toList();
  }

  private static RestorePlan at(Collection<LtxFile> files, List<LtxFile> usable, Txid txid)
      throws PlanException {
    RestorePlan plan = furthest(usable, txid);
    if (plan.txid.equals(txid) && !plan.files.isEmpty()) {
      return plan;
    }
    Optional<Txid> above = smallestReachableAfter(usable, txid);
    boolean isCut = above.isEmpty() && !greatestMax(files).isBefore(txid);
    if (isCut) {
      throw new PlanException.Gap(plan.txid);
    }
    Optional<Txid> below = plan.files.isEmpty() ? Optional.empty() : Optional.of(plan.txid);
    throw PlanException.NotReachable.txid(txid, below, above);
  }

  /**
   * Returns the plan that reaches furthest without passing {@code limit}; one without files if
   * nothing begins at TXID 1.
   *
   * @param byMin the usable files, ascending by min TXID
   */
  static RestorePlan furthest(List<LtxFile> byMin, Txid limit) {
    List<LtxFile> chosen = new ArrayList<>();
    Txid reached = Txid.NONE;
    Optional<LtxFile> snapshot =
        byMin.stream().filter(file -> isSnapshot(file) && !max(file).isAfter(limit)).max(BY_REACH);
    if (snapshot.isPresent()) {
      chosen.add(snapshot.get());
      reached = max(snapshot.get());
    }
    // Files are met in the order of their min, so the best of those met so far is the best that may
    // follow.
    Optional<LtxFile> best = Optional.empty();
    int met = 0;
    while (reached.isBefore(limit)) {
      for (; met < byMin.size() && !min(byMin.get(met)).isAfter(reached.next()); met++) {
        LtxFile file = byMin.get(met);
        boolean fits = !max(file).isAfter(limit);
        if (fits && (best.isEmpty() || BY_REACH.compare(file, best.get()) > 0)) {
          best = Optional.of(file);
        }
      }
      if (best.isEmpty() || !max(best.get()).isAfter(reached)) {
        break;
      }
      chosen.add(best.get());
      reached = max(best.get());
    }
    return new RestorePlan(chosen, reached);
  }

  /**
   * Returns the smallest TXID after {@code txid} that some files, applied in order, end at.
   *
   * <p>Ends are looked at in ascending order. One is reachable if a file that ends there begins no
   * later than just after the last reachable end before it: whatever follows an earlier one follows
   * that one, too.
   */
  static Optional<Txid> smallestReachableAfter(List<LtxFile> byMin, Txid txid) {
    List<LtxFile> byMax = new ArrayList<>(byMin);
    // Of one end, the longest file comes first: if it does not follow, none does.
    byMax.sort(Comparator.comparing(RestorePlan::max).thenComparing(RestorePlan::min));
    Txid reached = Txid.NONE;
    for (LtxFile file : byMax) {
      boolean isNewEnd = max(file).isAfter(reached);
      if (isNewEnd && !min(file).isAfter(reached.next())) {
        reached = max(file);
        if (reached.isAfter(txid)) {
          return Optional.of(reached);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean isSnapshot(LtxFile file) {
    return file.name().level() == LtxFileName.SNAPSHOT_LEVEL && file.name().range().isSnapshot();
  }

  private static Txid greatestMax(Collection<LtxFile> files) {
    return files.stream().map(RestorePlan::max).max(Comparator.naturalOrder()).orElse(Txid.NONE);
  }

  private static Txid min(LtxFile file) {
    return file.name().range().min();
  }

  private static Txid max(LtxFile file) {
    return file.name().range().max();
  }

  /** Returns the files in the order in which they are applied. */
  public List<LtxFile> files() {
    return files;
  }

  /** Returns the TXID of the state that the plan gives. */
  public Txid txid() {
    return txid;
  }

  @Override
  public String toString() {
    return txid + " from " + files.stream().map(file -> file.name().toString()).toList();
  }
}
