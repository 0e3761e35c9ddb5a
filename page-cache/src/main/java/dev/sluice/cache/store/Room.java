package dev.sluice.cache.store;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many places a store may take, and who goes when there are more: by the clock, extents that
 * nobody has read from since the hand last passed; those with interior pages of a b-tree only when
 * there is nothing else, because every read needs them.
 *
 * <p>Thread-safe. One thread at a time moves the hand; the others do not wait for it, and so there
 * may be a place more for each of them for a moment.
 */
final class Room {
  private static final int INTERIOR_INDEX = 2;
  private static final int INTERIOR_TABLE = 5;
  private static final int PAGE_ONE_HEADER_BYTES = 100;

  /** So many extents go at once, or a sixteenth of all. */
  private static final int BATCH_EXTENTS = 16;

  private static final int SHARE = 16;

  /** Twice round for the marks, once for what is read all the time or has interior pages. */
  private static final int ROUNDS = 3;

  private final PageStore store;
  private final StoreReaders readers;
  private final long placesMax;
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong freed = new AtomicLong();
  private final ReentrantLock hand = new ReentrantLock();
  private long next;
  private volatile boolean cannotPunch;

  Room(PageStore store, StoreReaders readers, long placesMax) {
    this.store = store;
    this.readers = readers;
    this.placesMax = placesMax;
  }

  long usedPlaces() {
    return used.get();
  }

  void taken(long places) {
    used.set(places);
  }

  /** Gives places back. */
  void free(int places) {
    used.addAndGet(-places);
    freed.incrementAndGet();
  }

  /** Returns how often places were given back. */
  long evictions() {
    return freed.get();
  }

  boolean hasRoomFor(long places) {
    return places <= placesMax;
  }

  /** Takes a place; false if there is none. */
  boolean take() {
    if (used.incrementAndGet() <= placesMax || !cannotPunch) {
      return true;
    }
    used.decrementAndGet();
    return false;
  }

  /** As the other, and only if nothing has to go for it. */
  boolean takeFree() {
    if (used.incrementAndGet() <= placesMax) {
      return true;
    }
    used.decrementAndGet();
    return false;
  }

  /** Returns whether there is no place for a whole extent. */
  boolean isFull() {
    return used.get() > placesMax - store.extentPages() / store.placePages();
  }

  /**
   * Sees to it that there is a place for a page, where there can be. Not under a lock of an extent.
   */
  void make(long pgno) {
    if (used.get() < placesMax || cannotPunch || store.takesPlace(pgno) || !hand.tryLock()) {
      return;
    }
    try {
      long batch =
          Math.min(
              (long) BATCH_EXTENTS * (store.extentPages() / store.placePages()), placesMax / SHARE);
      evictUntil(Math.max(0, placesMax - batch), (pgno - 1) / store.extentPages());
    } finally {
      hand.unlock();
    }
  }

  private void evictUntil(long places, long kept) {
    long extents = store.capacity() / store.extentPages();
    for (long step = 0; step < ROUNDS * extents && used.get() > places; step++) {
      long extent = next;
      next = next + 1 < extents ? next + 1 : 0;
      boolean isLast = step >= (ROUNDS - 1) * extents;
      if (extent == kept || !takesPlace(extent)) {
        continue;
      }
      boolean isRead = readers.takeMark(extent);
      if (!isLast && (isRead || hasInterior(extent))) {
        continue;
      }
      if (store.evict(extent) == 0) {
        cannotPunch = true;
        return;
      }
    }
  }

  private boolean takesPlace(long extent) {
    long first = extent * store.extentPages() + 1;
    for (long pgno = first; pgno < first + store.extentPages(); pgno += store.placePages()) {
      if (store.takesPlace(pgno)) {
        return true;
      }
    }
    return false;
  }

  private boolean hasInterior(long extent) {
    byte[] page = new byte[store.pageSize()];
    long first = extent * store.extentPages() + 1;
    for (long pgno = first; pgno < first + store.extentPages(); pgno++) {
      if (store.read(pgno, Layout.BOUND_MAX, page)) {
        int type = page[pgno == 1 ? PAGE_ONE_HEADER_BYTES : 0];
        if (type == INTERIOR_INDEX || type == INTERIOR_TABLE) {
          return true;
        }
      }
    }
    return false;
  }
}
