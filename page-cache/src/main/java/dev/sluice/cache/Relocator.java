package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/**
 * Finds other files for pages whose files are leaving, by the {@link SourceRule}.
 *
 * <p>The file with the longest range is looked at first: it stays longest, and one index answers
 * for most pages. What is known of the time after a view comes from the latest view and, where that
 * was made from a snapshot that is newer than the view, from the indexes of the files that follow
 * on the view; these are read when pages cannot be moved without, and kept with it.
 *
 * <p>Made for one listing with one deadline; confined to one thread at a time. Two may work on one
 * view: the later of them sees what the other did.
 */
final class Relocator {
  private static final Comparator<LtxFile> LONGEST_FIRST =
      Comparator.comparingLong(Relocator::length).reversed();

  private final FileLoader loader;
  private final SourceRule rule;
  private final Optional<View> latest;
  private final List<LtxFile> listed;

  /** Into which files the search that runs has looked. */
  private final Set<LtxFile> asked = new HashSet<>();

  /** Whether one of them was not there, or malformed. */
  private boolean hasMissed;

  /**
   * @param loader with a client that tries again until the deadline
   * @param latest the latest view, if there is one
   * @param listed every file of the replica
   */
  Relocator(FileLoader loader, SourceRule rule, Optional<View> latest, List<LtxFile> listed) {
    this.loader = loader;
    this.rule = rule;
    this.latest = latest;
    this.listed = listed;
  }

  private static long length(LtxFile file) {
    return file.name().range().max().value() - file.name().range().min().value();
  }

  /**
   * Moves the pages of a view that are in certain files to others, as many as can be. What was
   * tried before, and found to be of no use, is not tried again.
   *
   * @param isLeaving says it of a file's number
   * @return how many were moved
   * @throws ReplicaException if the storage cannot be asked; what was moved until then stays so
   */
  long relocate(View view, IntPredicate isLeaving) throws IOException {
    if (isFutile(view, isLeaving)) {
      learnLater(view); // for the file that may come: later its history may be told less finely
      return 0;
    }
    long moves = view.moves();
    asked.clear();
    hasMissed = false;
    long moved = move(view, isLeaving, known(view));
    if (!boundsIn(view.pages(), isLeaving).isEmpty() && learnLater(view)) {
      moved += move(view, isLeaving, known(view));
    }
    if (!hasMissed && view.moves() == moves) {
      noteFutile(view, moves, isLeaving);
    }
    return moved;
  }

  private boolean isFutile(View view, IntPredicate isLeaving) {
    Optional<Futile> futile =
        view.futile().filter(search -> search.covers(view, newestOrigin(), isLeaving));
    return futile.isPresent()
        && listed.stream()
            .filter(file -> coversOne(file, futile.get().bounds()))
            .mapToInt(loader::numberOf)
            .allMatch(file -> isLeaving.test(file) || futile.get().asked().contains(file));
  }

  /** A file that ends beyond what is surely known is asked again when that is more. */
  private void noteFutile(View view, long moves, IntPredicate isLeaving) {
    Txid known = knownBest(view).txid();
    Set<Integer> surely =
        asked.stream()
            .filter(file -> !file.name().range().max().isAfter(known))
            .map(loader::numberOf)
            .collect(Collectors.toSet());
    Set<Integer> leaving =
        Arrays.stream(view.pages().files()).filter(isLeaving).boxed().collect(Collectors.toSet());
    view.noteFutile(
        new Futile(moves, newestOrigin(), leaving, boundsIn(view.pages(), isLeaving), surely));
  }

  private Optional<Object> newestOrigin() {
    return latest.map(View::origin);
  }

  private List<SourceRule.Known> known(View view) {
    List<SourceRule.Known> known = new ArrayList<>();
    known.add(SourceRule.Known.by(view));
    latest
        .filter(newest -> newest.txid().isAfter(view.txid()))
        .filter(newest -> newest.pageSize() == view.pageSize())
        .ifPresent(newest -> known.add(SourceRule.Known.by(newest)));
    view.later().ifPresent(known::add);
    return known;
  }

  /** Returns what the indexes that follow on the view itself have told furthest. */
  private SourceRule.Known knownBest(View view) {
    SourceRule.Known best =
        latest
            .filter(view::leadsTo)
            .map(SourceRule.Known::by)
            .orElseGet(() -> SourceRule.Known.by(view));
    return view.later()
        .filter(later -> later.txid().isAfter(best.txid()))
        .<SourceRule.Known>map(later -> later)
        .orElse(best);
  }

  private long move(View view, IntPredicate isLeaving, List<SourceRule.Known> known)
      throws IOException {
    long moved = 0;
    NavigableSet<Txid> bounds = boundsIn(view.pages(), isLeaving);
    for (LtxFile candidate : listed.stream().sorted(LONGEST_FIRST).toList()) {
      if (bounds.isEmpty()) {
        return moved;
      }
      if (isUseful(candidate, bounds, isLeaving, known)) {
        Optional<FileLoader.Loaded> loaded = load(candidate);
        if (loaded.isPresent()) {
          asked.add(candidate);
          moved += move(view, isLeaving, loaded.get(), known);
          bounds = boundsIn(view.pages(), isLeaving);
        }
      }
    }
    return moved;
  }

  /** Leaves out what the rule would refuse for every page, so that its index is not read. */
  private boolean isUseful(
      LtxFile candidate,
      NavigableSet<Txid> bounds,
      IntPredicate isLeaving,
      List<SourceRule.Known> known) {
    return coversOne(candidate, bounds)
        && rule.mayBeSource(candidate, known)
        && !isLeaving.test(loader.numberOf(candidate));
  }

  private static boolean coversOne(LtxFile candidate, NavigableSet<Txid> bounds) {
    Optional<Txid> bound = Optional.ofNullable(bounds.ceiling(candidate.name().range().min()));
    return bound.isPresent() && !candidate.name().range().max().isBefore(bound.get());
  }

  private Optional<FileLoader.Loaded> load(LtxFile file) throws IOException {
    try {
      return Optional.of(loader.load(List.of(file)).get(0));
    } catch (MalformedFileException | ReplicaException.NotFound | ReplicaException.Conflict e) {
      hasMissed = true;
      return Optional.empty();
    }
  }

  private long move(
      View view, IntPredicate isLeaving, FileLoader.Loaded file, List<SourceRule.Known> known)
      throws ViewException {
    while (true) {
      long[] moved = {0};
      PageMap before = view.pages();
      PageMap after =
          before.moved(
              isLeaving,
              (pgno, from, bound) -> {
                int entry = rule.entry(view, pgno, bound, file.summary(), known);
                if (entry < 0) {
                  return null;
                }
                moved[0]++;
                return new PageMap.Frame(
                    file.number(),
                    file.summary().index().offset(entry),
                    file.summary().index().frameBytes(entry));
              });
      if (after == before || view.relocate(before, after)) {
        return moved[0];
      }
    }
  }

  private static NavigableSet<Txid> boundsIn(PageMap pages, IntPredicate isLeaving) {
    NavigableSet<Txid> bounds = new TreeSet<>();
    pages.forEach(isLeaving, (pgno, frame, bound) -> bounds.add(bound));
    return bounds;
  }

  /**
   * Reads the indexes of the files that follow on what is known of the time after a view.
   *
   * @return whether more is known than before
   */
  private boolean learnLater(View view) throws IOException {
    SourceRule.Known from = knownBest(view);
    Chain chain = Chain.after(from.txid(), listed, List.of());
    List<PageMap.Change> changes = new ArrayList<>();
    for (LtxFile file : chain.files()) {
      Optional<FileLoader.Loaded> loaded = load(file);
      if (loaded.isEmpty() || loaded.get().summary().header().pageSize() != view.pageSize()) {
        break;
      }
      changes.add(loaded.get().change());
    }
    if (changes.isEmpty()) {
      return false;
    }
    view.learnLater(Changed.by(view, from).and(changes));
    return true;
  }
}
