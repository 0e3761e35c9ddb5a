package dev.sluice.cache;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * An immutable state of a database: which TXID, how many pages, and where each of them is. Two
 * views are equal only if they are one.
 *
 * <p>Where a page is may change, because files are compacted and deleted; which version of it that
 * is never does. Thread-safe: what changes is volatile.
 */
public final class View {
  private final Txid txid;
  private final long commit;
  private final int pageSize;
  private final AtomicReference<PageMap> pages;
  private final Instant time;
  private final byte[] pageOneHeader;
  private final LtxHeader newest;
  private final int schemaEpoch;
  private final Object origin;

  /** Files that are gone with pages that nothing else holds. */
  private final Set<Integer> lost = ConcurrentHashMap.newKeySet();

  /** How often pages were moved. */
  private final AtomicLong moves = new AtomicLong();

  private volatile long movesWhenShared;
  private volatile OptionalLong provenNanos = OptionalLong.empty();
  private volatile Optional<Changed> later = Optional.empty();
  private volatile Optional<Futile> futile = Optional.empty();

  /**
   * Takes what is known of a state.
   *
   * @param newest the header of its newest file
   * @param time of the state: the newest file's, or another's if that is a snapshot
   * @param pageOne page 1 as its file holds it
   */
  View(LtxHeader newest, PageMap pages, Instant time, byte[] pageOne) {
    this(
        newest,
        pages,
        time,
        PageOne.header(pageOne, newest.range().max(), newest.commit()),
        0,
        new Object());
  }

  private View(
      LtxHeader newest,
      PageMap pages,
      Instant time,
      byte[] pageOneHeader,
      int schemaEpoch,
      Object origin) {
    if (newest.commit() < 1) {
      throw new IllegalArgumentException("a view of " + newest.commit() + " pages");
    }
    this.newest = newest;
    this.txid = newest.range().max();
    this.commit = newest.commit();
    this.pageSize = newest.pageSize();
    this.pages = new AtomicReference<>(pages);
    this.time = time;
    this.pageOneHeader = pageOneHeader;
    this.schemaEpoch = schemaEpoch;
    this.origin = origin;
  }

  /**
   * Returns this view, which nobody has seen yet, as one that was made by following from another.
   */
  View following(View base, int epoch) {
    return new View(newest, pages(), time, pageOneHeader, epoch, base.origin);
  }

  /** Returns the same object for all views of which one was made by following from another. */
  Object origin() {
    return origin;
  }

  /**
   * Returns whether {@code later} was made from this view by following, perhaps in many steps: then
   * its page map says which pages changed after this view as well as the files' indexes would.
   */
  boolean leadsTo(View later) {
    return later.origin == origin && !later.txid.isBefore(txid);
  }

  /**
   * Returns a number that is another where views before and after may be of different pasts: what
   * SQLite knows of the schema of one is then not to be used with the other.
   */
  int schemaEpoch() {
    return schemaEpoch;
  }

  /** Returns the header of the newest file. */
  LtxHeader newest() {
    return newest;
  }

  public Txid txid() {
    return txid;
  }

  /** Returns the size of the database in pages. */
  public long commit() {
    return commit;
  }

  public int pageSize() {
    return pageSize;
  }

  /** Returns where each page is now. */
  public PageMap pages() {
    return Objects.requireNonNull(pages.get());
  }

  /**
   * Exchanges where pages are.
   *
   * @return false if somebody else has exchanged {@code before} already
   */
  boolean relocate(PageMap before, PageMap after) {
    boolean isMine = pages.compareAndSet(before, after);
    if (isMine) {
      moves.incrementAndGet();
    }
    return isMine;
  }

  /** Returns a number that is another, a moment later at most, when a page has another place. */
  long moves() {
    return moves.get();
  }

  /** Returns whether pages were moved since {@link #share}: their leaves are this view's alone. */
  boolean hasMovedSinceShared() {
    return moves() != movesWhenShared;
  }

  /** Shares the page map's leaves with views of which that was asked before. */
  void share(LeafSharing sharing) {
    movesWhenShared = moves();
    PageMap before = pages();
    PageMap after = before.sharing(sharing);
    if (after != before) {
      pages.compareAndSet(before, after); // whoever was faster is shared with the next time
    }
  }

  /** Says that a file is gone, and that some of its pages were looked for long enough. */
  void lose(int file) {
    lost.add(file);
  }

  boolean isLost(int file) {
    return lost.contains(file);
  }

  /** Returns when this view was last known to be the newest, on the ticker's scale. */
  OptionalLong provenNanos() {
    return provenNanos;
  }

  /** Says that this view was the newest at an instant. */
  void prove(long nanos) {
    provenNanos = OptionalLong.of(nanos);
  }

  /** Returns what was read of the time after this view, if it was not made from it. */
  Optional<Changed> later() {
    return later;
  }

  void learnLater(Changed known) {
    later = Optional.of(known);
  }

  /** Returns how pages of this view were last sought without any being found. */
  Optional<Futile> futile() {
    return futile;
  }

  void noteFutile(Futile search) {
    futile = Optional.of(search);
  }

  /** Returns when the newest file of this view was made, by its header. */
  public Instant time() {
    return time;
  }

  /** Returns the first 100 bytes of page 1 as SQLite shall see them; a new array each time. */
  public byte[] pageOneHeader() {
    return pageOneHeader(0);
  }

  /**
   * As the other, for a connection that came from another view by a jump.
   *
   * @param jumps another number for each jump: makes SQLite read the schema anew
   */
  public byte[] pageOneHeader(int jumps) {
    return PageOne.inSchemaEpoch(pageOneHeader, schemaEpoch ^ jumps << Short.SIZE);
  }

  /** Returns the header without a schema epoch. */
  byte[] plainPageOneHeader() {
    return pageOneHeader.clone();
  }

  @Override
  public String toString() {
    return "TXID " + txid + ", " + commit + " pages of " + pageSize;
  }
}
