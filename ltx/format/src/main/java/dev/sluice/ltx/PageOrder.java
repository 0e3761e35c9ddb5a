package dev.sluice.ltx;

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
    boolean holds = pgno > last && pgno <= header.commit() && pgno != lockPgno;
    if (!holds || (header.isSnapshot() && pgno != expected())) {
      throw new FieldException(0, broken(pgno));
    }
    last = pgno;
  }

  /** Returns the rule that a page breaks: made only then, for it costs more than the checks. */
  private String broken(long pgno) {
    if (pgno <= last) {
      return "page " + pgno + " after page " + last;
    }
    if (pgno > header.commit()) {
      return "page " + pgno + " is past commit " + header.commit();
    }
    return pgno == lockPgno
        ? "page " + pgno + " is the lock page"
        : "a snapshot lacks page " + expected();
  }

  /** Says that there are no more pages. */
  void end() {
    if (header.isSnapshot() && expected() <= header.commit()) {
      throw new FieldException(0, "a snapshot lacks page " + expected());
    }
  }

  private long expected() {
    return last + 1 == lockPgno ? last + 2 : last + 1;
  }
}
