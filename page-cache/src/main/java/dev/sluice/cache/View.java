package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import java.time.Instant;

/**
 * An immutable state of a database: which TXID, how many pages, and where each of them is. Two
 * views are equal only if they are one.
 */
public final class View {
  private final Txid txid;
  private final long commit;
  private final int pageSize;
  private final PageMap pages;
  private final Instant time;
  private final byte[] pageOneHeader;

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
    this.pages = pages;
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

  /** Returns where each page is. */
  public PageMap pages() {
    return pages;
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
