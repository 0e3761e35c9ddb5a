package dev.sluice.cache.store;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Pages, each with what its tag and its sum say of it, and the order in which these change.
 *
 * <p>A page is written like this, and each step is needed: the tag is set absent, so that a reader
 * who copies meanwhile sees another tag afterwards; then the bytes, by pwrite and not through a
 * mapping, so that a full disk is an error; then the new tag, with release. The generation makes
 * even the same version written again another tag. {@link #write} is the only place where that is
 * done, {@link #read} the other side of it in Java.
 *
 * <p>Thread-safe. Who changes a page has the {@link #lock} of its extent. A pgno is one for which
 * there is a tag, where nothing else is said.
 */
final class TaggedPages {
  private static final int LOCKS = 64;

  private final Object[] locks = new Object[LOCKS];
  private final StoreFiles files;
  private final Activity activity;
  private final PageFile pages;
  private final WordFile tags;
  private final WordFile sums;
  private final int pageSize;
  private final int extentPages;
  private final int placePages;
  private final AtomicLong present = new AtomicLong();
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong unreadable = new AtomicLong();

  TaggedPages(StoreFiles files, int pageSize, Activity activity) {
    Arrays.setAll(locks, i -> new Object());
    this.files = files;
    this.activity = activity;
    this.pages = files.pages();
    this.tags = files.tags();
    this.sums = files.sums();
    this.pageSize = pageSize;
    this.extentPages = Layout.extentPages(pageSize);
    this.placePages = Layout.placePages(pageSize);
  }

  int pageSize() {
    return pageSize;
  }

  int extentPages() {
    return extentPages;
  }

  int placePages() {
    return placePages;
  }

  long capacity() {
    return files.capacity();
  }

  /** Returns how many pages are here. */
  long count() {
    return present.get();
  }

  /** Returns how many pages could not be read. */
  long unreadable() {
    return unreadable.get();
  }

  /** Returns how many pages were written since this was opened. */
  long writes() {
    return written.get();
  }

  /** Returns whether a page is here; of any pgno. */
  boolean contains(long pgno) {
    return bound(pgno) != 0;
  }

  /** Returns the bound of a page; 0 if it is not here, of any pgno. */
  long bound(long pgno) {
    return pgno <= capacity() ? Layout.bound(tags.getAcquire(pgno)) : 0;
  }

  long sum(long pgno) {
    return sums.getAcquire(pgno);
  }

  boolean isUnchecked(long pgno) {
    return Layout.isUnchecked(sum(pgno));
  }

  /** Returns whether there is a page to be checked in a place, or whether one is here. */
  boolean hasPages(long pgno) {
    long first = pgno - (pgno - 1) % placePages;
    for (long each = first; each < first + placePages; each++) {
      if (contains(each) || isUnchecked(each)) {
        return true;
      }
    }
    return false;
  }

  /** Returns whether the place of a page is taken, by it or by its neighbours there. */
  boolean takesPlace(long pgno) {
    long first = pgno - (pgno - 1) % placePages;
    for (long each = first; each < first + placePages; each++) {
      if (contains(each) || sum(each) != 0) {
        return true;
      }
    }
    return false;
  }

  /** Returns under what pages of an extent change, and with them those of some others. */
  Object lock(long pgno) {
    return locks[(int) ((pgno - 1) / extentPages) & (LOCKS - 1)];
  }

  /** Returns when nobody holds a lock who had it before. */
  void awaitChanges() {
    for (Object lock : locks) {
      synchronized (lock) {
        // What had begun before is done.
      }
    }
  }

  /**
   * Writes those pages of a run whose bounds are not 0, as many at once as follow each other. Their
   * places are taken.
   *
   * @param run of one extent
   * @param bounds of each of its pages
   * @return whether all are here now; of those that are not no sum is kept
   */
  boolean write(PageStore.Run run, Proof proof, long[] bounds) {
    boolean isWhole = true;
    for (int i = 0; i < run.count(); ) {
      int end = i;
      while (end < run.count() && bounds[end] != 0) {
        absent(run.first() + end);
        end++;
      }
      if (end > i) {
        VarHandle.storeStoreFence();
        boolean isWritten = writeBytes(run, i, end);
        for (int each = i; each < end && isWritten; each++) {
          show(run.first() + each, Layout.sum(run.crc(each), proof), bounds[each]);
          written.incrementAndGet();
        }
        isWhole &= isWritten;
      }
      i = end + 1;
    }
    return isWhole;
  }

  private boolean writeBytes(PageStore.Run run, int from, int to) {
    long first = run.first() + from;
    try {
      int offset = run.offset() + from * pageSize;
      pages.write((first - 1) * pageSize, run.src(), offset, (to - from) * pageSize);
      return true;
    } catch (IOException e) {
      for (int i = from; i < to; i++) {
        sums.setRelease(run.first() + i, Layout.CLEARED);
      }
      activity.failed("store page " + first, e);
      return false;
    }
  }

  /** Has a page that is absent be here: its bytes are those of the sum. */
  private void show(long pgno, long sum, long bound) {
    sums.setRelease(pgno, sum);
    tags.setRelease(pgno, Layout.next(tags.getAcquire(pgno), bound));
    present.incrementAndGet();
  }

  private void absent(long pgno) {
    long tag = tags.getAcquire(pgno);
    if (Layout.bound(tag) != 0) {
      present.decrementAndGet();
    }
    tags.setRelease(pgno, Layout.next(tag, 0));
  }

  /** Has an unchecked page be here, whose bytes are as its sum says. */
  void confirm(long pgno, long bound) {
    show(pgno, Layout.checked(sum(pgno)), bound);
  }

  /** As {@link PageStore#clear}; its place stays taken. */
  void clear(long pgno) {
    if (pgno > capacity()) { // who stores a page has made room for it before it is admitted
      return;
    }
    synchronized (lock(pgno)) {
      if (!activity.isStopped() && (contains(pgno) || Layout.isOfPage(sum(pgno)))) {
        absent(pgno);
        forget(pgno);
      }
    }
  }

  /**
   * Has a page not be here that the disk does not give back. Its sum stays until it changes: if it
   * comes again as it was, it is as proven as it was.
   */
  private void lose(long pgno) {
    synchronized (lock(pgno)) {
      if (!activity.isStopped() && contains(pgno)) {
        absent(pgno);
        unreadable.incrementAndGet();
      }
    }
  }

  /** Returns how far a page that comes is proven, by the sum of one that was lost. */
  Proof proofOf(long pgno, long crc, Proof proof) {
    boolean wasProven = Layout.proof(sum(pgno)) == Proof.PROVEN;
    return wasProven && Layout.isSamePage(sum(pgno), crc) ? Proof.PROVEN : proof;
  }

  /** Keeps of a page that is absent only that its place is taken. */
  void forget(long pgno) {
    sums.setRelease(pgno, Layout.CLEARED);
  }

  /**
   * Has pages not be here, and gives the disk their places back.
   *
   * @param first the first of a place
   * @param last the last of a place; there may be no tags for those in the end
   * @return how many places were known as taken and are not now; 0 if they cannot be given back
   */
  int evict(long first, long last) {
    long known = Math.min(last, capacity());
    for (long pgno = first; pgno <= known; pgno++) {
      if (contains(pgno)) {
        absent(pgno);
        forget(pgno);
      }
    }
    VarHandle.storeStoreFence();
    if (!files.punch(first, last)) {
      return 0;
    }
    int freed = 0;
    for (long pgno = first; pgno <= known; pgno += placePages) {
      freed += takesPlace(pgno) ? 1 : 0;
    }
    for (long pgno = first; pgno <= known; pgno++) {
      sums.setRelease(pgno, 0);
    }
    return freed;
  }

  /** Says of a page that is here how far it is proven. */
  void prove(long pgno, Proof proof) {
    sums.setRelease(pgno, Layout.sum(sum(pgno), proof));
  }

  /** Reads the bytes of a page, whatever is said of it. */
  void readBytes(long pgno, byte[] dst) throws IOException {
    pages.read((pgno - 1) * pageSize, dst, 0, pageSize);
  }

  /** As {@link PageStore#read}. */
  boolean read(long pgno, long txid, byte[] dst) {
    if (pgno > capacity()) {
      return false;
    }
    long tag = tags.getAcquire(pgno);
    if (Layout.bound(tag) == 0 || Layout.bound(tag) > txid) {
      return false;
    }
    try {
      readBytes(pgno, dst);
    } catch (IOException e) {
      lose(pgno);
      activity.tell("read page " + pgno, e);
      return false;
    }
    VarHandle.acquireFence();
    return tags.getAcquire(pgno) == tag;
  }

  /**
   * Returns by what a page is recognised in a view that was published; 0 if it is not here, or of a
   * later one. A sum of another moment than its tag may be of such a page.
   */
  long durableSum(long pgno, long txid) {
    long tag = tags.getAcquire(pgno);
    long sum = sum(pgno);
    long bound = Layout.bound(tag);
    boolean isThere = bound == 0 ? Layout.isUnchecked(sum) : bound <= txid;
    return isThere && tags.getAcquire(pgno) == tag ? sum : 0;
  }
}
