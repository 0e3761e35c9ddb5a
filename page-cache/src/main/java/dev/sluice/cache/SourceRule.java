package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * When a page of a view may be read from another file than the one in which its version was
 * learned: frames move, versions do not.
 *
 * <p>Let b be the page's bound, and k the TXID up to which every index was read without a gap. A
 * file F is a source iff it holds the page, F.min <= b <= F.max <= k, and the page did not change
 * in (b, F.max]: then the version that F holds, the newest at F.max, is the newest at b. Neither "F
 * ends before the view" nor "F is newer" is enough: a file 51-60 does not hold what changed at 95,
 * and one that reaches past the view may hold what came after it. Immutable.
 */
final class SourceRule {

  /** What must hold, each for itself. */
  enum Condition {
    SAME_PAGE_SIZE,
    HOLDS_THE_PAGE,
    BEGINS_BY_THE_BOUND,
    ENDS_AFTER_THE_BOUND,
    ENDS_WITHIN_WHAT_IS_KNOWN,
    PAGE_IS_UNCHANGED_UNTIL_ITS_END
  }

  /** What is known of the time after a view: every index up to a TXID was read. */
  interface Known {

    /** Returns k. */
    Txid txid();

    /** Returns whether a page of an earlier view is the same at {@link #txid}. */
    boolean isUnchangedSince(Txid view, long pgno);

    /** Returns what a view says, whose map's bounds tell which pages changed after another. */
    static Known by(View view) {
      PageMap pages = view.pages();
      return new Known() {
        @Override
        public Txid txid() {
          return view.txid();
        }

        @Override
        public boolean isUnchangedSince(Txid earlier, long pgno) {
          return pages.contains(pgno) && !pages.bound(pgno).isAfter(earlier);
        }
      };
    }
  }

  private final Set<Condition> conditions;

  SourceRule() {
    this(EnumSet.noneOf(Condition.class));
  }

  /** For the test that shows what each condition is for: without some of them. */
  SourceRule(Set<Condition> without) {
    this.conditions = EnumSet.allOf(Condition.class);
    this.conditions.removeAll(without);
  }

  /**
   * Returns the entry of a file's index from which a page may be read, or -1.
   *
   * @param bound of the page in the view's map
   * @param known what is known after the view, the view itself first; each is asked
   */
  int entry(View view, long pgno, Txid bound, FileSummary file, List<Known> known) {
    for (Known later : known) {
      if (isSource(view, pgno, bound, file, later)) {
        int entry = file.index().find(pgno);
        if (entry < 0) {
          throw new IllegalStateException("page " + pgno + " is not in " + file.header().range());
        }
        return entry;
      }
    }
    return -1;
  }

  /** Returns false if {@link #entry} would say -1 of every page, by the file's name alone. */
  boolean mayBeSource(LtxFile file, List<Known> known) {
    return !conditions.contains(Condition.ENDS_WITHIN_WHAT_IS_KNOWN)
        || known.stream().anyMatch(each -> !file.name().range().max().isAfter(each.txid()));
  }

  private boolean isSource(View view, long pgno, Txid bound, FileSummary file, Known known) {
    for (Condition each : conditions) {
      if (!holds(each, view, pgno, bound, file, known)) {
        return false;
      }
    }
    return true;
  }

  private static boolean holds(
      Condition condition, View view, long pgno, Txid bound, FileSummary file, Known known) {
    TxidRange range = file.header().range();
    return switch (condition) {
      case SAME_PAGE_SIZE -> file.header().pageSize() == view.pageSize();
      case HOLDS_THE_PAGE -> file.index().find(pgno) >= 0;
      case BEGINS_BY_THE_BOUND -> !range.min().isAfter(bound);
      case ENDS_AFTER_THE_BOUND -> !range.max().isBefore(bound);
      case ENDS_WITHIN_WHAT_IS_KNOWN -> !range.max().isAfter(known.txid());
      case PAGE_IS_UNCHANGED_UNTIL_ITS_END ->
          !range.max().isAfter(view.txid()) || known.isUnchangedSince(view.txid(), pgno);
    };
  }
}
