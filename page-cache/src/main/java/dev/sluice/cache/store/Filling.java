package dev.sluice.cache.store;

import dev.sluice.ltx.Crc64;
import java.util.function.LongUnaryOperator;

/**
 * What is stored of the pages that come: those that may be here by the newest view, are not here
 * already, and for which there is a place. Thread-safe; admission, place and bytes of a page are
 * one section under the lock of its extent.
 */
final class Filling {
  private final StoreFiles files;
  private final TaggedPages pages;
  private final Room room;
  private final Activity activity;

  Filling(StoreFiles files, TaggedPages pages, Room room, Activity activity) {
    this.files = files;
    this.pages = pages;
    this.room = room;
    this.activity = activity;
  }

  /** As {@link PageStore#fill}. */
  boolean fill(long pgno, byte[] src, int offset, Proof proof, LongUnaryOperator admission) {
    if (activity.isStopped() || (proof == Proof.NONE && pages.contains(pgno)) || !canHold(pgno)) {
      return pages.contains(pgno);
    }
    long[] crc = {Crc64.of(src, offset, pages.pageSize())};
    room.make(pgno);
    synchronized (pages.lock(pgno)) {
      long bound = admission.applyAsLong(pgno);
      if (bound == 0 || bound > Layout.BOUND_MAX || activity.isStopped()) {
        return false;
      }
      if (isSame(pgno, Layout.sum(crc[0], proof))) {
        return true;
      }
      if (!pages.takesPlace(pgno) && !room.take()) {
        return false;
      }
      PageStore.Run run = new PageStore.Run(pgno, 1, src, offset, crc, 0);
      return pages.write(run, pages.proofOf(pgno, crc[0], proof), new long[] {bound});
    }
  }

  /** As {@link PageStore#fillRun}. */
  boolean fillRun(PageStore.Run run, Proof proof, LongUnaryOperator admission) {
    int extentPages = pages.extentPages();
    long end = run.first() + run.count();
    boolean isWhole = canHold(end - 1);
    for (long from = run.first(); from < end && isWhole; ) {
      long next = Math.min(end, ((from - 1) / extentPages + 1) * extentPages + 1);
      isWhole = fillExtent(run.part(from, (int) (next - from), pages.pageSize()), proof, admission);
      from = next;
    }
    return isWhole;
  }

  private boolean fillExtent(PageStore.Run run, Proof proof, LongUnaryOperator admission) {
    long[] bounds = new long[run.count()];
    synchronized (pages.lock(run.first())) {
      if (activity.isStopped()) {
        return false;
      }
      boolean isWhole = true;
      for (int i = 0; i < run.count(); i++) {
        long pgno = run.first() + i;
        boolean isHere = isSame(pgno, Layout.sum(run.crc(i), proof));
        bounds[i] = isHere ? 0 : admission.applyAsLong(pgno);
        if (bounds[i] != 0 && !pages.takesPlace(pgno)) {
          if (room.takeFree()) {
            pages.forget(pgno); // its neighbours have a place, too
          } else {
            bounds[i] = 0;
            isWhole = false;
          }
        }
      }
      return pages.write(run, proof, bounds) && isWhole;
    }
  }

  /** Returns whether there is a tag for a page, and nothing against storing it just now. */
  private boolean canHold(long pgno) {
    return !activity.isResting() && (pgno <= files.capacity() || files.growTo(pgno));
  }

  /**
   * Returns whether the page that is here is the one of the sum; it is known to be as proven then.
   * Called under the lock of the extent.
   */
  private boolean isSame(long pgno, long sum) {
    long before = pages.sum(pgno);
    if (!pages.contains(pgno) || !Layout.isSamePage(before, sum)) {
      return false;
    }
    if (Layout.proof(before).compareTo(Layout.proof(sum)) < 0) {
      pages.prove(pgno, Layout.proof(sum));
    }
    return true;
  }
}
