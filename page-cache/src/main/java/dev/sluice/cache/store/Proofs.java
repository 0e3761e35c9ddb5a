package dev.sluice.cache.store;

import dev.sluice.ltx.Crc64;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;

/**
 * What becomes of pages that came before anybody could tell whether they are right: those of a file
 * that was being read, and those of a process before. Thread-safe; each page changes under the lock
 * of its extent.
 */
final class Proofs {
  private final TaggedPages pages;
  private final Activity activity;
  private final AtomicLong damaged = new AtomicLong();

  Proofs(TaggedPages pages, Activity activity) {
    this.pages = pages;
    this.activity = activity;
  }

  /** As {@link PageStore#damagedPages}. */
  long damagedPages() {
    return damaged.get();
  }

  /** As {@link PageStore#recover}. */
  boolean recover(long pgno, LongUnaryOperator admission) {
    if (pgno > pages.capacity() || !pages.isUnchecked(pgno) || activity.isStopped()) {
      return pages.contains(pgno);
    }
    byte[] page = new byte[pages.pageSize()];
    synchronized (pages.lock(pgno)) {
      long bound = admission.applyAsLong(pgno);
      if (!pages.isUnchecked(pgno)) {
        return pages.contains(pgno);
      }
      if (bound == 0 || bound > Layout.BOUND_MAX || activity.isStopped()) {
        return false;
      }
      try {
        pages.readBytes(pgno, page);
      } catch (IOException e) {
        pages.forget(pgno);
        activity.tell("read page " + pgno, e);
        return false;
      }
      if (!Layout.isSamePage(pages.sum(pgno), Crc64.of(page))) {
        pages.forget(pgno);
        damaged.incrementAndGet();
        return false;
      }
      pages.confirm(pgno, bound);
      return true;
    }
  }

  /** As {@link PageStore#expectProof}. */
  void expect(long pgno, long sum) {
    synchronized (pages.lock(pgno)) {
      if (!activity.isStopped()
          && pages.contains(pgno)
          && Layout.isSamePage(pages.sum(pgno), sum)
          && Layout.proof(pages.sum(pgno)) == Proof.NONE) {
        pages.prove(pgno, Proof.PENDING);
      }
    }
  }

  /** As {@link PageStore#prove}. */
  void prove(long pgno) {
    if (!pages.contains(pgno)) {
      return;
    }
    synchronized (pages.lock(pgno)) {
      if (isPending(pgno)) {
        pages.prove(pgno, Proof.PROVEN);
      }
    }
  }

  /** As {@link PageStore#disprove}. */
  void disprove(long pgno) {
    if (!pages.contains(pgno)) {
      return;
    }
    synchronized (pages.lock(pgno)) {
      if (isPending(pgno)) {
        pages.clear(pgno);
      }
    }
  }

  private boolean isPending(long pgno) {
    return !activity.isStopped()
        && pages.contains(pgno)
        && Layout.proof(pages.sum(pgno)) == Proof.PENDING;
  }
}
