package dev.sluice.cache.store;

import dev.sluice.ltx.Crc64;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pages in a local file, from which readers in C copy without asking, and the tags by which they
 * may.
 *
 * <p>The one writer is this object. Whoever calls it keeps the rule that a page which is here is
 * the newest version known: it says under the lock of the page's extent by which bound a page may
 * be here, and clears what has changed before anybody can know a newer view.
 *
 * <p>A page is written like this, and each step is needed: the tag is set absent, so that a reader
 * who copies meanwhile sees another tag afterwards; then the bytes, by pwrite and not through a
 * mapping, so that a full disk is an error; then the new tag, with release. The generation makes
 * even the same version written again another tag.
 *
 * <p>Thread-safe. The lock of an extent is held during its I/O: check, bytes and tag are one
 * section. What fails leaves the page absent, is told once, and is tried again a minute later.
 */
public final class PageStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PageStore.class);
  private static final int LOCKS = 64;
  private static final long RETRY_NANOS = 60_000_000_000L;

  private final Object growth = new Object();
  private final Object[] locks = new Object[LOCKS];
  private final String name;
  private final int pageSize;
  private final int extentPages;
  private final int placePages;
  private final StoreReaders readers;
  private final LongSupplier ticker;
  private final PageFile pages;
  private final WordFile tags;
  private final WordFile sums;
  private final Room room;
  private final AtomicLong present = new AtomicLong();
  private final AtomicLong damaged = new AtomicLong();
  private final AtomicLong written = new AtomicLong();
  private final AtomicBoolean isTold = new AtomicBoolean();
  private volatile long failedNanos;
  private volatile boolean hasFailed;
  private volatile boolean isClosed;

  /**
   * What a store is opened with.
   *
   * @param name for messages
   * @param readers in C, who have no files yet
   * @param bytesMax the most bytes that pages may take
   * @param ticker nanoseconds that never go back: for when to try again
   */
  public record Spec(
      String name, int pageSize, StoreReaders readers, long bytesMax, LongSupplier ticker) {

    /** As the other, by the clock of the system. */
    public Spec(String name, int pageSize, StoreReaders readers, long bytesMax) {
      this(name, pageSize, readers, bytesMax, System::nanoTime);
    }
  }

  /** Says what becomes of the pages that lie in the files. Called before anybody reads them. */
  interface Adoption {
    void run(WordFile tags, WordFile sums) throws IOException;
  }

  /** Opens the files, which are made if they are not there. */
  PageStore(Spec spec, Layout.Files files, Adoption adoption) throws IOException {
    Arrays.setAll(locks, i -> new Object());
    this.name = spec.name();
    this.pageSize = spec.pageSize();
    this.extentPages = Layout.extentPages(pageSize);
    this.placePages = Layout.placePages(pageSize);
    this.readers = spec.readers();
    this.ticker = spec.ticker();
    this.pages = new PageFile(files.pages());
    this.tags = new WordFile(files.tags());
    this.sums = new WordFile(files.sums());
    this.room = new Room(this, readers, spec.bytesMax() / placeBytes());
    try {
      int chunks = Math.max(tags.fileChunks(), sums.fileChunks()); // all that may say something
      for (int i = 0; i < chunks; i++) {
        growFiles();
      }
      adoption.run(tags, sums);
      countPlaces();
      readers.attach(files.pages(), files.tags(), pageSize);
      readers.grow(chunks);
    } catch (IOException | RuntimeException | Error e) {
      closeFiles();
      throw e;
    }
  }

  private void countPlaces() {
    long places = 0;
    for (long pgno = 1; pgno <= capacity(); pgno += placePages) {
      places += takesPlace(pgno) ? 1 : 0;
    }
    room.taken(places);
  }

  /** Called under the lock of growth, or while nobody else has this. */
  private void growFiles() throws IOException {
    int chunks = tags.chunks() + 1;
    pages.growTo((long) chunks * Layout.CHUNK_PAGES * pageSize);
    if (sums.chunks() < chunks) {
      sums.grow();
    }
    tags.grow();
  }

  public int pageSize() {
    return pageSize;
  }

  int extentPages() {
    return extentPages;
  }

  int placePages() {
    return placePages;
  }

  private long placeBytes() {
    return (long) placePages * pageSize;
  }

  /** Returns the greatest pgno for which there is a tag. */
  public long capacity() {
    return (long) tags.chunks() << Layout.CHUNK_BITS;
  }

  /** Returns how many pages are here. */
  public long pageCount() {
    return present.get();
  }

  /** Returns the bytes that pages take, whether they are here or cleared. */
  public long usedBytes() {
    return room.usedPlaces() * placeBytes();
  }

  /** Returns how many pages were written since this was opened. */
  public long writes() {
    return written.get();
  }

  public boolean contains(long pgno) {
    return bound(pgno) != 0;
  }

  /** Returns the bound of a page; 0 if it is not here. */
  public long bound(long pgno) {
    return pgno <= capacity() ? Layout.bound(tags.getAcquire(pgno)) : 0;
  }

  /** Returns what is known of a page that is here. */
  public Proof proof(long pgno) {
    return Layout.proof(sums.getAcquire(pgno));
  }

  private Object lock(long pgno) {
    return locks[(int) ((pgno - 1) / extentPages) & (LOCKS - 1)];
  }

  /**
   * Stores a page, unless it may not be here, or is here already with as much proof. A page that is
   * here and differs is replaced.
   *
   * @param admission under the lock of the extent, given the pgno: by which bound the page may be
   *     here, at most 2^48 - 1; 0 if it may not
   * @return whether the page is here now
   */
  public boolean fill(long pgno, byte[] src, int offset, Proof proof, LongUnaryOperator admission) {
    if (isClosed || (proof == Proof.NONE && contains(pgno)) || !hasPlace(pgno)) {
      return contains(pgno);
    }
    long sum = Layout.sum(Crc64.of(src, offset, pageSize), proof);
    room.make(pgno);
    synchronized (lock(pgno)) {
      long bound = admission.applyAsLong(pgno);
      if (bound == 0 || bound > Layout.BOUND_MAX || isClosed) {
        return false;
      }
      if (isSame(pgno, sum)) {
        return true;
      }
      if (!takesPlace(pgno) && !room.take()) {
        return false;
      }
      return write(pgno, src, offset, sum, bound);
    }
  }

  /** Called under the lock of the extent, with a place taken. */
  private boolean write(long pgno, byte[] src, int offset, long sum, long bound) {
    absent(pgno);
    if (!writeAbsent(pgno, 1, src, offset)) {
      return false;
    }
    show(pgno, sum, bound);
    return true;
  }

  /** Writes the bytes of pages that are absent. Called under the lock of the extent. */
  private boolean writeAbsent(long first, int count, byte[] src, int offset) {
    VarHandle.storeStoreFence();
    try {
      pages.write((first - 1) * pageSize, src, offset, count * pageSize);
      return true;
    } catch (IOException e) {
      for (long pgno = first; pgno < first + count; pgno++) {
        sums.setRelease(pgno, Layout.CLEARED);
      }
      failed("store page " + first, e);
      return false;
    }
  }

  /** Called under the lock of the extent, when the bytes are written. */
  private void show(long pgno, long sum, long bound) {
    sums.setRelease(pgno, sum);
    tags.setRelease(pgno, Layout.next(tags.getAcquire(pgno), bound));
    present.incrementAndGet();
    written.incrementAndGet();
  }

  /**
   * Pages that follow each other, as they came. Valid while a call that takes them runs.
   *
   * @param first pgno of the first
   * @param src all of them, from {@code offset} on
   * @param crcs CRC-64/ISO of each, from {@code crcOffset} on
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  public record Run(long first, int count, byte[] src, int offset, long[] crcs, int crcOffset) {}

  /**
   * Stores pages as {@link #fill} does, each extent with one write; evicts nothing for them.
   *
   * @return false if there is no place for all that may be here
   */
  public boolean fillRun(Run run, Proof proof, LongUnaryOperator admission) {
    long end = run.first() + run.count();
    boolean isWhole = hasPlace(end - 1);
    for (long from = run.first(); from < end && isWhole; ) {
      long next = Math.min(end, ((from - 1) / extentPages + 1) * extentPages + 1);
      isWhole = fillExtent(run, from, (int) (next - from), proof, admission);
      from = next;
    }
    return isWhole;
  }

  private boolean fillExtent(
      Run run, long from, int count, Proof proof, LongUnaryOperator admission) {
    long[] bounds = new long[count];
    synchronized (lock(from)) {
      if (isClosed) {
        return false;
      }
      boolean isWhole = true;
      for (int i = 0; i < count; i++) {
        long sum = Layout.sum(run.crcs()[crcAt(run, from + i)], proof);
        bounds[i] = isSame(from + i, sum) ? 0 : admission.applyAsLong(from + i);
        if (bounds[i] != 0 && !takesPlace(from + i)) {
          if (room.takeFree()) {
            sums.setRelease(from + i, Layout.CLEARED); // its neighbours have a place, too
          } else {
            bounds[i] = 0;
            isWhole = false;
          }
        }
      }
      for (int i = 0; i < count; ) {
        int length = 0;
        while (i + length < count && bounds[i + length] != 0) {
          absent(from + i + length);
          length++;
        }
        if (length > 0) {
          isWhole &= writeRun(run, from + i, length, proof, bounds, i);
        }
        i += length + 1;
      }
      return isWhole;
    }
  }

  private boolean writeRun(
      Run run, long first, int count, Proof proof, long[] bounds, int boundsOffset) {
    int offset = run.offset() + (int) (first - run.first()) * pageSize;
    if (!writeAbsent(first, count, run.src(), offset)) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      long sum = Layout.sum(run.crcs()[crcAt(run, first + i)], proof);
      show(first + i, sum, bounds[boundsOffset + i]);
    }
    return true;
  }

  private static int crcAt(Run run, long pgno) {
    return run.crcOffset() + (int) (pgno - run.first());
  }

  /**
   * Returns whether the page that is here is the one of the sum; it is known to be as proven then.
   * Called under the lock of the extent.
   */
  private boolean isSame(long pgno, long sum) {
    long before = sums.getAcquire(pgno);
    if (!contains(pgno) || !Layout.isSamePage(before, sum)) {
      return false;
    }
    if (Layout.proof(before).compareTo(Layout.proof(sum)) < 0) {
      sums.setRelease(pgno, sum);
    }
    return true;
  }

  /** Sets a page absent. Called under the lock of the extent. */
  private void absent(long pgno) {
    long tag = tags.getAcquire(pgno);
    if (Layout.bound(tag) != 0) {
      present.decrementAndGet();
    }
    tags.setRelease(pgno, Layout.next(tag, 0));
  }

  /**
   * Has a page not be here any more, nor come back unchecked. Waits for who stores it just now: a
   * page that was admitted and has no tag yet is not to come afterwards.
   */
  public void clear(long pgno) {
    if (pgno > capacity()) { // who stores a page has made room for it before it is admitted
      return;
    }
    synchronized (lock(pgno)) {
      if (!isClosed && (contains(pgno) || isUnchecked(pgno))) {
        absent(pgno);
        sums.setRelease(pgno, Layout.CLEARED);
      }
    }
  }

  private boolean isUnchecked(long pgno) {
    return Layout.isUnchecked(sums.getAcquire(pgno));
  }

  /**
   * Checks a page that was here before a restart; if it is as it was, it is here again.
   *
   * @param admission as for {@link #fill}
   * @return whether it is, by this call or by another's beside it
   */
  public boolean recover(long pgno, LongUnaryOperator admission) {
    if (pgno > capacity() || !isUnchecked(pgno) || isClosed) {
      return contains(pgno);
    }
    byte[] page = new byte[pageSize];
    synchronized (lock(pgno)) {
      long sum = sums.getAcquire(pgno);
      long bound = admission.applyAsLong(pgno);
      if (!Layout.isUnchecked(sum)) {
        return contains(pgno);
      }
      if (bound == 0 || bound > Layout.BOUND_MAX || isClosed) {
        return false;
      }
      try {
        pages.read((pgno - 1) * pageSize, page, 0, pageSize);
      } catch (IOException e) {
        sums.setRelease(pgno, Layout.CLEARED);
        tell("read page " + pgno, e);
        return false;
      }
      if (!Layout.isSamePage(sum, Crc64.of(page))) {
        sums.setRelease(pgno, Layout.CLEARED);
        damaged.incrementAndGet();
        return false;
      }
      sums.setRelease(pgno, Layout.checked(sum));
      tags.setRelease(pgno, Layout.next(tags.getAcquire(pgno), bound));
      present.incrementAndGet();
      return true;
    }
  }

  /** Returns how many pages were not as they had been before a restart. */
  public long damagedPages() {
    return damaged.get();
  }

  /** Returns what tells the page that is here, or was last, from others; 0 if there was none. */
  public long sum(long pgno) {
    return pgno <= capacity() ? Layout.crc(sums.getAcquire(pgno)) : 0;
  }

  /** Says of a page, if it is here with this sum, that it came with a file which is being read. */
  public void expectProof(long pgno, long pageSum) {
    synchronized (lock(pgno)) {
      long sum = sums.getAcquire(pgno);
      if (!isClosed
          && contains(pgno)
          && Layout.isSamePage(sum, pageSum)
          && Layout.proof(sum) == Proof.NONE) {
        sums.setRelease(pgno, Layout.sum(sum, Proof.PENDING));
      }
    }
  }

  /** Says of a page that its file was proven, if it came with that. */
  public void prove(long pgno) {
    if (!contains(pgno)) {
      return;
    }
    synchronized (lock(pgno)) {
      long sum = sums.getAcquire(pgno);
      if (!isClosed && contains(pgno) && Layout.proof(sum) == Proof.PENDING) {
        sums.setRelease(pgno, Layout.sum(sum, Proof.PROVEN));
      }
    }
  }

  /** Has a page not be here if it came with a file that could not be proven. */
  public void disprove(long pgno) {
    if (!contains(pgno)) {
      return;
    }
    synchronized (lock(pgno)) {
      if (!isClosed && contains(pgno) && Layout.proof(sums.getAcquire(pgno)) == Proof.PENDING) {
        absent(pgno);
        sums.setRelease(pgno, Layout.CLEARED);
      }
    }
  }

  /**
   * Copies a page as a reader in C does.
   *
   * @param txid of the view that is read
   * @param dst takes one page, from its beginning; undefined if the page is not here
   * @return whether the page is here, and is the view's
   */
  public boolean read(long pgno, long txid, byte[] dst) {
    if (pgno > capacity()) {
      return false;
    }
    long tag = tags.getAcquire(pgno);
    if (Layout.bound(tag) == 0 || Layout.bound(tag) > txid) {
      return false;
    }
    try {
      pages.read((pgno - 1) * pageSize, dst, 0, pageSize);
    } catch (IOException e) {
      clear(pgno); // it comes from the replica again; what else is here is as good as it was
      tell("read page " + pgno, e);
      return false;
    }
    VarHandle.acquireFence();
    return tags.getAcquire(pgno) == tag;
  }

  /**
   * Has no page of an extent be here, and gives its place back.
   *
   * @param extent counted from 0
   * @return how many places were taken before and are not now
   */
  int evict(long extent) {
    long first = extent * extentPages + 1;
    long last = Math.min(first + extentPages - 1, capacity());
    synchronized (lock(first)) {
      if (isClosed) {
        return 0;
      }
      for (long pgno = first; pgno <= last; pgno++) {
        if (contains(pgno)) {
          absent(pgno);
          sums.setRelease(pgno, Layout.CLEARED);
        }
      }
      VarHandle.storeStoreFence();
      if (!readers.punch((first - 1) * pageSize, (last - first + 1) * pageSize)) {
        return 0;
      }
      int freed = 0;
      for (long pgno = first; pgno <= last; pgno += placePages) {
        freed += takesPlace(pgno) ? 1 : 0;
      }
      for (long pgno = first; pgno <= last; pgno++) {
        sums.setRelease(pgno, 0);
      }
      room.free(freed);
      return freed;
    }
  }

  /** Returns whether the place of a page is taken, by it or by its neighbours there. */
  boolean takesPlace(long pgno) {
    long first = pgno - (pgno - 1) % placePages;
    for (long each = first; each < first + placePages; each++) {
      if (contains(each) || sums.getAcquire(each) != 0) {
        return true;
      }
    }
    return false;
  }

  private boolean hasPlace(long pgno) {
    if (pgno <= capacity()) {
      return !isResting();
    }
    if (isResting()) {
      return false;
    }
    synchronized (growth) {
      try {
        while (capacity() < pgno && !isClosed) {
          growFiles();
          readers.grow(tags.chunks());
        }
      } catch (IOException e) {
        failed("grow to page " + pgno, e);
      }
      return pgno <= capacity();
    }
  }

  /** Returns whether a database of so many pages fits. */
  public boolean hasRoomFor(long pageCount) {
    return room.hasRoomFor((pageCount + placePages - 1) / placePages);
  }

  /** Returns how often pages have gone for want of room. */
  public long evictions() {
    return room.evictions();
  }

  /** Returns whether nothing more can be stored without something going. */
  public boolean isFull() {
    return room.isFull() || isResting();
  }

  /** After a failure nothing is written for a while. */
  private boolean isResting() {
    return hasFailed && ticker.getAsLong() - failedNanos < RETRY_NANOS;
  }

  private void failed(String what, IOException failure) {
    failedNanos = ticker.getAsLong();
    hasFailed = true;
    tell(what, failure);
  }

  private void tell(String what, IOException failure) {
    if (!isClosed && isTold.compareAndSet(false, true)) {
      log.warn(
          "page store {}: {}: {}; pages are read from the replica as before",
          name,
          what,
          failure.getMessage());
    }
  }

  /** Has everything that is here reach the disk, pages before tags. */
  void sync() throws IOException {
    pages.sync();
    sums.sync();
    tags.sync();
  }

  /**
   * Writes what is on the disk for sure, for {@link Checkpoint}.
   *
   * @param txid of a view that was published: pages of later ones are left out
   */
  void checkpoint(Path path, long txid, long commit) throws IOException {
    pages.sync();
    Checkpoint.write(
        path,
        new Checkpoint.Header(txid, commit, pageSize),
        Math.min(commit, capacity()),
        pgno -> durableSum(pgno, txid));
  }

  /** A sum of another moment than its tag may be of a page that is newer than the view. */
  private long durableSum(long pgno, long txid) {
    long tag = tags.getAcquire(pgno);
    long sum = sums.getAcquire(pgno);
    long bound = Layout.bound(tag);
    boolean isThere = bound == 0 ? Layout.isUnchecked(sum) : bound <= txid;
    return isThere && tags.getAcquire(pgno) == tag ? sum : 0;
  }

  /**
   * Changes nothing any more, when it returns: the files may be another's from then on. Who still
   * reads may go on. Idempotent.
   */
  void stop() {
    isClosed = true;
    for (Object lock : locks) {
      synchronized (lock) {
        // What had begun before is done.
      }
    }
  }

  /** As {@link #stop}, and closes the files. Idempotent. */
  @Override
  public void close() throws IOException {
    stop();
    closeFiles();
  }

  private void closeFiles() throws IOException {
    synchronized (growth) {
      pages.close();
      tags.close();
      sums.close();
    }
  }
}
