package dev.sluice.ltx;

import static dev.sluice.ltx.FieldException.require;

/**
 * Which pages may come in a file with a given header, and in which order: ascending, none past
 * commit, never the lock page; in a snapshot all of them. Changes with each page; confined to one
 * thread at a time.
 */
final class PageOrder {
  private final LtxHeader header;
  private final long lockPgno;
  private long last;

  PageOrder(LtxHeader header) {
    this.header = header;
    this.lockPgno = LockPage.pgno(header.pageSize());
  }

  /** Takes the next page; a broken rule is a {@link FieldException} at 0. */
  void next(long pgno) {
    require(pgno > last, 0, "page " + pgno + " after page " + last);
    require(pgno <= header.commit(), 0, "page " + pgno + " is past commit " + header.commit());
    require(pgno != lockPgno, 0, "page " + pgno + " is the lock page");
    require(!header.isSnapshot() || pgno == expected(), 0, "a snapshot lacks page " + expected());
    last = pgno;
  }

  /** Says that there are no more pages. */
  void end() {
    require(
        !header.isSnapshot() || expected() > header.commit(),
        0,
        "a snapshot lacks page " + expected());
  }

  private long expected() {
    return last + 1 == lockPgno ? last + 2 : last + 1;
  }
}
