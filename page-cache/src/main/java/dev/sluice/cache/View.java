package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
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
  private volatile OptionalLong provenNanos = OptionalLong.empty();
  private volatile Optional<SourceRule.Known> later = Optional.empty();

  /**
   * @param commit pages of the database, at least 1
   * @param time of the newest file, by its header
   * @param pageOne page 1 as its file holds it
   */
  View(Txid txid, long commit, int pageSize, PageMap pages, Instant time, byte[] pageOne) {
    if (commit < 1) {
      throw new IllegalArgumentException("a view of " + commit + " pages");
    }
    this.txid = txid;
    this.commit = commit;
    this.pageSize = pageSize;
    this.pages = new AtomicReference<>(pages);
    this.time = time;
    this.pageOneHeader = PageOne.header(pageOne, txid, commit);
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
    return pages.compareAndSet(before, after);
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
  Optional<SourceRule.Known> later() {
    return later;
  }

  void learnLater(SourceRule.Known known) {
    later = Optional.of(known);
  }

  /** Returns when the newest file of this view was made, by its header. */
  public Instant time() {
    return time;
  }

  /** Returns the first 100 bytes of page 1 as SQLite shall see them; a new array each time. */
  public byte[] pageOneHeader() {
    return pageOneHeader.clone();
  }

  @Override
  public String toString() {
    return "TXID " + txid + ", " + commit + " pages of " + pageSize;
  }
}
