package dev.sluice.cache;

import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import java.util.BitSet;
import java.util.List;

/**
 * Which pages of one view the files after it have changed or dropped, a bit for each page.
 * Immutable.
 */
final class Changed implements SourceRule.Known {
  private final View view;
  private final Txid txid;
  private final BitSet pgnos;

  private Changed(View view, Txid txid, BitSet pgnos) {
    this.view = view;
    this.txid = txid;
    this.pgnos = pgnos;
  }

  /** Returns what is known of a view's pages by what is known of the time after it. */
  static Changed by(View view, SourceRule.Known known) {
    if (known instanceof Changed changed && changed.view == view) {
      return changed;
    }
    BitSet pgnos = new BitSet();
    for (long pgno = 1; pgno <= view.commit(); pgno++) {
      if (!known.isUnchangedSince(view.txid(), pgno)) {
        pgnos.set((int) (pgno - 1));
      }
    }
    return new Changed(view, known.txid(), pgnos);
  }

  /**
   * Returns what is known after more files.
   *
   * @param changes of files that follow on {@link #txid} without a gap, in their order
   */
  Changed and(List<PageMap.Change> changes) {
    BitSet more = (BitSet) pgnos.clone();
    Txid end = txid;
    int commit = Math.toIntExact(view.commit());
    for (PageMap.Change change : changes) {
      PageIndex index = change.index();
      for (int entry = 0; entry < index.count() && index.pgno(entry) <= commit; entry++) {
        more.set((int) (index.pgno(entry) - 1));
      }
      more.set((int) Math.min(change.commit(), commit), commit);
      end = change.bound();
    }
    return new Changed(view, end, more);
  }

  @Override
  public Txid txid() {
    return txid;
  }

  @Override
  public boolean isUnchangedSince(Txid earlier, long pgno) {
    if (earlier.isBefore(view.txid())) {
      throw new IllegalArgumentException(earlier + " is before the view, " + view.txid());
    }
    return pgno <= view.commit() && !pgnos.get((int) (pgno - 1));
  }
}
