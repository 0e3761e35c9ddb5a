package dev.sluice.replicator.wal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The first 32 bytes of a WAL: what all frames of the generation have in common. Immutable; one
 * that was parsed has the checksum that it says.
 *
 * @param order the byte order in which checksums read the file; everything else is big-endian
 * @param pageSize a power of two, 512 to 65536
 * @param sequence counts resets, by a count of each connection's own: it proves nothing
 * @param salts the generation
 * @param checksum of the 24 bytes before it; the first frame's runs on from it
 */
public record WalHeader(
    ByteOrder order, int pageSize, int sequence, WalSalts salts, long checksum) {

  // All integers are big-endian.
  //
  //    0        4         8        12        16       20       24          28          32
  //   +--------+---------+--------+---------+--------+--------+-----------+-----------+
  //   | magic  | version |pagesize| sequence| salt-1 | salt-2 | checksum1 | checksum2 |
  //   +--------+---------+--------+---------+--------+--------+-----------+-----------+

  /** The size of a header. */
  public static final int BYTES = 32;

  private static final int MAGIC_LITTLE = 0x377F0682;
  private static final int MAGIC_BIG = 0x377F0683;
  private static final int VERSION = 3_007_000;
  private static final int PAGE_SIZE_MIN = 512;
  private static final int PAGE_SIZE_MAX = 65_536;
  private static final int AT_VERSION = 4;
  private static final int AT_PAGE_SIZE = 8;
  private static final int AT_SEQUENCE = 12;
  private static final int AT_SALT1 = 16;
  private static final int AT_SALT2 = 20;
  static final int AT_CHECKSUM = 24;

  /**
   * Parses the header that starts at the buffer's position; the position stays.
   *
   * @param src at least {@link #BYTES} bytes
   * @param file how the file is named in messages
   * @throws WalFormatException if the bytes are no header
   */
  public static WalHeader parse(ByteBuffer src, String file) throws WalFormatException {
    ByteBuffer in = src.slice().order(ByteOrder.BIG_ENDIAN);
    int magic = in.getInt(0);
    require(
        magic == MAGIC_LITTLE || magic == MAGIC_BIG,
        file,
        0,
        "not a WAL: magic " + Hex.word(magic));
    int version = in.getInt(AT_VERSION);
    require(version == VERSION, file, AT_VERSION, "unknown WAL version " + version);
    int pageSize = in.getInt(AT_PAGE_SIZE);
    require(
        pageSize >= PAGE_SIZE_MIN && pageSize <= PAGE_SIZE_MAX && Integer.bitCount(pageSize) == 1,
        file,
        AT_PAGE_SIZE,
        "page size " + Integer.toUnsignedString(pageSize) + " is no power of two in 512..65536");
    ByteOrder order = magic == MAGIC_BIG ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    long checksum = WalChecksum.update(0, in.duplicate().order(order), 0, AT_CHECKSUM);
    require(
        checksum == in.getLong(AT_CHECKSUM),
        file,
        AT_CHECKSUM,
        "the header's checksum is "
            + Long.toHexString(checksum)
            + ", it says "
            + Long.toHexString(in.getLong(AT_CHECKSUM)));
    WalSalts salts = new WalSalts(in.getInt(AT_SALT1), in.getInt(AT_SALT2));
    return new WalHeader(order, pageSize, in.getInt(AT_SEQUENCE), salts, checksum);
  }

  private static void require(boolean holds, String file, int at, String rule)
      throws WalFormatException {
    if (!holds) {
      throw new WalFormatException(file, at, rule);
    }
  }

  /** Returns the place before the first frame. */
  public WalPosition start() {
    return new WalPosition(salts, 0, checksum);
  }
}
