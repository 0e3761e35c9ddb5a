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
    return page(new Crc64(), pgno, page);
  }

  /** As {@link #page(long, byte[])}, with a CRC that is used for many pages. */
  static long page(Crc64 crc, long pgno, byte[] page) {
    crc.reset();
    crc.updateInt((int) pgno);
    crc.update(page, 0, page.length);
    return FLAG | crc.value();
  }

  /** Returns a database's checksum after a page was added to it or taken from it. */
  public static long toggle(long databaseChecksum, long pageChecksum) {
    return FLAG | (databaseChecksum ^ pageChecksum);
  }
}
