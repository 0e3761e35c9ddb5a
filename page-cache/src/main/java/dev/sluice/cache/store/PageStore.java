package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;

/**
 * Pages in a local file, from which readers in C copy without asking, and the tags by which they
 * may.
 *
 * <p>The one writer is this object. Whoever calls it keeps the rule that a page which is here is
 * the newest version known: it says under the lock of the page's extent by which bound a page may
 * be here, and clears what has changed before anybody can know a newer view.
 *
 * <p>It has four parts: {@link TaggedPages}, which says how a page is written, cleared and read;
 * {@link Filling}, what is stored; {@link Proofs}, what is believed; {@link Room}, what goes.
 *
 * <p>Thread-safe. The lock of an extent is held during its I/O: check, bytes and tag are one
 * section. What fails leaves the page absent, is told once, and is tried again a minute later.
 */
public final class PageStore implements AutoCloseable {
  private final Activity activity;
  private final StoreFiles files;
  private final TaggedPages pages;
  private final Room room;
  private final Filling filling;
  private final Proofs proofs;

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

  /**
   * Pages that follow each other, as they came. Valid while a call that takes them runs.
   *
   * @param first pgno of the first
   * @param src all of them, from {@code offset} on
   * @param crcs CRC-64/ISO of each, from {@code crcOffset} on
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  public record Run(long first, int count, byte[] src, int offset, long[] crcs, int crcOffset) {

    /** Returns the CRC of the page that is the i-th, counted from 0. */
    long crc(int i) {
      return crcs[crcOffset + i];
    }

    Run part(long from, int pages, int pageSize) {
      int skipped = (int) (from - first);
      return new Run(from, pages, src, offset + skipped * pageSize, crcs, crcOffset + skipped);
    }
  }

  /** Opens the files, which are made if they are not there. */
  PageStore(Spec spec, Layout.Files paths, Adoption adoption) throws IOException {
    int pageSize = spec.pageSize();
    activity = new Activity(spec.name(), spec.ticker());
    files = new StoreFiles(paths, pageSize, spec.readers(), activity);
    try {
      adoption.run(files.tags(), files.sums());
      pages = new TaggedPages(files, pageSize, activity);
      long placesMax = spec.bytesMax() / placeBytes();
      room = new Room(pages, spec.readers(), placesMax, activity);
      files.attachReaders();
    } catch (IOException | RuntimeException | Error e) {
      files.close();
      throw e;
    }
    filling = new Filling(files, pages, room, activity);
    proofs = new Proofs(pages, activity);
  }

  public int pageSize() {
    return pages.pageSize();
  }

  private long placeBytes() {
    return (long) pages.placePages() * pages.pageSize();
  }

  /** Returns the greatest pgno for which there is a tag. */
  public long capacity() {
    return files.capacity();
  }

  /** Returns how many pages are here. */
  public long pageCount() {
    return pages.count();
  }

  /** Returns the bytes that pages take, whether they are here or cleared. */
  public long usedBytes() {
    return room.usedPlaces() * placeBytes();
  }

  /** Returns how many pages were written since this was opened. */
  public long writes() {
    return pages.writes();
  }

  public boolean contains(long pgno) {
    return pages.contains(pgno);
  }

  /** Returns the bound of a page; 0 if it is not here. */
  public long bound(long pgno) {
    return pages.bound(pgno);
  }

  /** Returns what is known of a page that is here. */
  public Proof proof(long pgno) {
    return Layout.proof(pages.sum(pgno));
  }

  /**
   * Stores a page, unless it may not be here, or is here already with as much proof. A page that is
   * here and differs is replaced.
   *
   * @param admission under the lock of the extent, given the pgno: by which bound the page may be
   *     here, at most 2^47 - 1; 0 if it may not
   * @return whether the page is here now
   */
  public boolean fill(long pgno, byte[] src, int offset, Proof proof, LongUnaryOperator admission) {
    return filling.fill(pgno, src, offset, proof, admission);
  }

  /**
   * Stores pages as {@link #fill} does, each extent with one write; evicts nothing for them.
   *
   * @return false if there is no place for all that may be here
   */
  public boolean fillRun(Run run, Proof proof, LongUnaryOperator admission) {
    return filling.fillRun(run, proof, admission);
  }

  /**
   * Has a page not be here any more, nor come back unchecked. Waits for who stores it just now: a
   * page that was admitted and has no tag yet is not to come afterwards.
   */
  public void clear(long pgno) {
    pages.clear(pgno);
  }

  /**
   * Checks a page that was here before a restart; if it is as it was, it is here again.
   *
   * @param admission as for {@link #fill}
   * @return whether it is, by this call or by another's beside it
   */
  public boolean recover(long pgno, LongUnaryOperator admission) {
    return proofs.recover(pgno, admission);
  }

  /** Returns how many pages were not as they had been before a restart. */
  public long damagedPages() {
    return proofs.damagedPages();
  }

  /** Returns what tells the page that is here, or was last, from others; 0 if there was none. */
  public long sum(long pgno) {
    return pgno <= pages.capacity() ? Layout.crc(pages.sum(pgno)) : 0;
  }

  /** Returns whether a sum is of a page with this CRC-64/ISO. */
  public static boolean isSum(long sum, long crc) {
    return Layout.isSamePage(sum, crc);
  }

  /** Says of a page, if it is here with this sum, that it came with a file which is being read. */
  public void expectProof(long pgno, long sum) {
    proofs.expect(pgno, sum);
  }

  /** Says of a page that its file was proven, if it came with that. */
  public void prove(long pgno) {
    proofs.prove(pgno);
  }

  /** Has a page not be here if it came with a file that could not be proven. */
  public void disprove(long pgno) {
    proofs.disprove(pgno);
  }

  /**
   * Copies a page as a reader in C does.
   *
   * @param txid of the view that is read
   * @param dst takes one page, from its beginning; undefined if the page is not here
   * @return whether the page is here, and is the view's
   */
  public boolean read(long pgno, long txid, byte[] dst) {
    return pages.read(pgno, txid, dst);
  }

  /**
   * Has no page of an extent be here, and gives its place back.
   *
   * @param extent counted from 0
   * @return how many places were taken before and are not now
   */
  int evict(long extent) {
    return room.evict(extent);
  }

  /**
   * Has nothing take a place that is not known. Called after a power cut, before anybody else has
   * this.
   */
  void freeUnknown() {
    try {
      room.freeUnknown(files.pageEnd());
    } catch (IOException e) {
      activity.tell("see how long the file of the pages is", e);
    }
  }

  /** Returns whether a database of so many pages fits. */
  public boolean hasRoomFor(long pageCount) {
    return room.hasRoomFor((pageCount + pages.placePages() - 1) / pages.placePages());
  }

  /** Returns how often pages have gone for want of room, or as the disk did not give them back. */
  public long losses() {
    return room.evictions() + pages.unreadable();
  }

  /** Returns whether nothing more can be stored without something going. */
  public boolean isFull() {
    return room.isFull() || activity.isResting();
  }

  /** Has everything that is here reach the disk, pages before tags. */
  void sync() throws IOException {
    files.sync();
  }

  /**
   * Writes what is on the disk for sure, for {@link Checkpoint}.
   *
   * @param txid of a view that was published: pages of later ones are left out
   */
  void checkpoint(Path path, long txid, long commit) throws IOException {
    files.pages().sync();
    Checkpoint.write(
        path,
        new Checkpoint.Header(txid, commit, pageSize()),
        Math.min(commit, capacity()),
        pgno -> pages.durableSum(pgno, txid));
  }

  /**
   * Changes nothing any more, when it returns: the files may be another's from then on. Who still
   * reads may go on. Idempotent.
   */
  void stop() {
    activity.stop();
    pages.awaitChanges();
  }

  /** As {@link #stop}, and closes the files. Idempotent. */
  @Override
  public void close() throws IOException {
    stop();
    files.close();
  }
}
