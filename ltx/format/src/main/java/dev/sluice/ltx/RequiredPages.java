package dev.sluice.ltx;

/**
 * The pages that a merged file must hold although no one of its inputs says so: all of them if its
 * history begins at TXID 1; otherwise all by which the database has grown since it was smallest,
 * for what was there before is cut off. Changes with each page; confined to one thread at a time.
 */
final class RequiredPages {
  private final long commit;
  private final long lockPgno;
  private long next;

  /**
   * @param header the header of the merged file
   * @param commitMin the smallest commit of the merged files
   */
  RequiredPages(LtxHeader header, long commitMin) {
    this.commit = header.commit();
    this.lockPgno = LockPage.pgno(header.pageSize());
    this.next = behind(header.isSnapshot() ? 0 : commitMin);
  }

  /** Returns whether a page may follow on those before; the pages ascend. */
  boolean allows(long pgno) {
    return pgno <= next;
  }

  /** Takes in a page that is allowed. */
  void add(long pgno) {
    if (pgno == next) {
      next = behind(pgno);
    }
  }

  /** Returns whether no required page is left. */
  boolean isComplete() {
    return next > commit;
  }

  /** Returns the first required page that has not come. */
  long missing() {
    return next;
  }

  private long behind(long pgno) {
    return pgno + 1 == lockPgno ? pgno + 2 : pgno + 1;
  }
}
