package dev.sluice.ltx;

/**
 * The page that SQLite keeps its file locks on: it holds no content, and no LTX file carries it.
 */
public final class LockPage {
  private static final int LOCK_BYTE = 0x40000000;

  private LockPage() {}

  /** Returns the pgno of the page that holds the byte at 1 GiB. */
  public static long pgno(int pageSize) {
    return LOCK_BYTE / pageSize + 1L;
  }
}
