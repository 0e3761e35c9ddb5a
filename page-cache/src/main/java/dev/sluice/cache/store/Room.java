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

  private final TaggedPages pages;
  private final Activity activity;
  private final StoreReaders readers;
  private final long placesMax;
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong freed = new AtomicLong();
  private final ReentrantLock hand = new ReentrantLock();
  private long next;

  /** Whether the disk has not taken a place back when it was last asked to. */
  private volatile boolean cannotPunch;

  private volatile long refusedNanos;

  /** Takes note of the places that are taken. */
  Room(TaggedPages pages, StoreReaders readers, long placesMax, Activity activity) {
    this.pages = pages;
    this.readers = readers;
    this.placesMax = placesMax;
    this.activity = activity;
    long places = 0;
    for (long pgno = 1; pgno <= pages.capacity(); pgno += pages.placePages()) {
      places += pages.takesPlace(pgno) ? 1 : 0;
    }
    used.set(places);
  }

  long usedPlaces() {
    return used.get();
  }

  /** Returns how often places were given back. */
  long evictions() {
    return freed.get();
  }

  boolean hasRoomFor(long places) {
    return places <= placesMax;
  }

  /** Takes a place; false if there is none, and none can be had of the disk. */
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
    return used.get() > placesMax - pages.extentPages() / pages.placePages();
  }

  /**
   * Sees to it that there is a place for a page, where there can be. Not under a lock of an extent.
   */
  void make(long pgno) {
    if (used.get() < placesMax || isResting() || pages.takesPlace(pgno) || !hand.tryLock()) {
      return;
    }
    try {
      long batch =
          Math.min(
              (long) BATCH_EXTENTS * (pages.extentPages() / pages.placePages()), placesMax / SHARE);
      evictUntil(Math.max(0, placesMax - batch), (pgno - 1) / pages.extentPages());
    } finally {
      hand.unlock();
    }
  }

  /** A disk that has refused is asked again a minute later: what it costs is one extent. */
  private boolean isResting() {
    return cannotPunch && activity.isRecent(refusedNanos);
  }

  private void evictUntil(long places, long kept) {
    long extents = pages.capacity() / pages.extentPages();
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
      if (evict(extent) == 0) {
        refusedNanos = activity.now();
        cannotPunch = true;
        return;
      }
      cannotPunch = false;
    }
  }

  /** As {@link PageStore#evict}. */
  int evict(long extent) {
    long first = extent * pages.extentPages() + 1;
    synchronized (pages.lock(first)) {
      int places = activity.isStopped() ? 0 : pages.evict(first, first + pages.extentPages() - 1);
      if (places > 0) {
        used.addAndGet(-places);
        freed.incrementAndGet();
      }
      return places;
    }
  }

  /**
   * Gives the disk back every place that has no page, whatever is known of it, if a limit is to be
   * kept: after a power cut there may be pages of which neither a tag nor a sum tells, and which
   * nobody would count. Asks the disk once for each place that stays, at most. Called while nobody
   * else has the store.
   *
   * @param end the pages before this pgno may take places
   */
  void freeUnknown(long end) {
    int placePages = pages.placePages();
    if (placesMax >= (end - 1) / placePages) {
      return;
    }
    for (long first = 1; first < end; ) {
      long next = first;
      while (next < end && (next > pages.capacity() || !pages.hasPages(next))) {
        next += placePages;
      }
      if (next > first) {
        used.addAndGet(-pages.evict(first, next - 1));
      }
      first = next + placePages;
    }
  }

  private boolean takesPlace(long extent) {
    long first = extent * pages.extentPages() + 1;
    for (long pgno = first; pgno < first + pages.extentPages(); pgno += pages.placePages()) {
      if (pages.takesPlace(pgno)) {
        return true;
      }
    }
    return false;
  }

  private boolean hasInterior(long extent) {
    byte[] page = new byte[pages.pageSize()];
    long first = extent * pages.extentPages() + 1;
    for (long pgno = first; pgno < first + pages.extentPages(); pgno++) {
      if (pages.read(pgno, Layout.BOUND_MAX, page)) {
        int type = page[pgno == 1 ? PAGE_ONE_HEADER_BYTES : 0];
        if (type == INTERIOR_INDEX || type == INTERIOR_TABLE) {
          return true;
        }
      }
    }
    return false;
  }
}
