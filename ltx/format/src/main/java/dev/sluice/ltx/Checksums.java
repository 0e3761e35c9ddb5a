package dev.sluice.ltx;

/**
 * Page and database checksums: what pre-apply and post-apply checksums are made of.
 *
 * <p>The checksum of a database is the XOR of those of its pages, so a page that changes replaces
 * its part: XOR the old checksum and the new one. The lock page has no part in it.
 */
public final class Checksums {

  /** Set in every checksum, so that 0 means there is none. */
  public static final long FLAG = 1L << 63;

  /** The checksum of a database without pages. */
  public static final long EMPTY_DATABASE = FLAG;

  private Checksums() {}

  /**
   * Returns the checksum of one page: {@link #FLAG} or CRC-64/ISO of the pgno, 4 bytes big-endian,
   * and the page.
   */
  public static long page(long pgno, byte[] page) {
    return page(pgno, Crc64.of(page), page.length);
  }

  /** As the other, of a page of which only CRC-64/ISO and size are known. */
  static long page(long pgno, long pageCrc, int pageSize) {
    Crc64 crc = new Crc64();
    crc.updateInt((int) pgno);
    crc.append(pageCrc, pageSize);
    return FLAG | crc.value();
  }

  /** Returns a database's checksum after a page was added to it or taken from it. */
  public static long toggle(long databaseChecksum, long pageChecksum) {
    return FLAG | (databaseChecksum ^ pageChecksum);
  }
}
