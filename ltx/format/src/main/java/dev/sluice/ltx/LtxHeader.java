package dev.sluice.ltx;

import static dev.sluice.ltx.FieldException.require;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The first 100 bytes of an LTX file: which pages of which database it is about, and which
 * transactions it covers. Immutable; an instance obeys every rule of the format.
 *
 * @param flags 0 or {@link #FLAG_NO_CHECKSUM}
 * @param pageSize a power of two, 512 to 65536
 * @param commit pages of the database after this file, unsigned 32 bits; 0 if it was deleted
 * @param range the TXIDs that the file covers
 * @param timestampMillis milliseconds since the Unix epoch
 * @param preApplyChecksum the database checksum before this file; 0 for a snapshot or without
 *     checksums
 * @param walOffset where in the WAL the covered frames begin; 0 if unknown
 * @param walSize bytes of the WAL that are covered; 0 for compactions
 * @param walSalt1 the WAL's first salt; 0 if unknown
 * @param walSalt2 the WAL's second salt; 0 if unknown
 * @param nodeId who wrote the file; 0 if unset
 */
public record LtxHeader(
    int flags,
    int pageSize,
    long commit,
    TxidRange range,
    long timestampMillis,
    long preApplyChecksum,
    long walOffset,
    long walSize,
    int walSalt1,
    int walSalt2,
    long nodeId) {

  // All integers are big-endian.
  //
  //    0        4        8        12       16                24                32
  //   +--------+--------+--------+--------+-----------------+-----------------+-----------------+
  //   | "LTX1" | flags  |pagesize| commit | min TXID        | max TXID        | timestamp, ms   |
  //   +--------+--------+--------+--------+-----------------+-----------------+-----------------+
  //    40                48                56                64       68       72
  //   +-----------------+-----------------+-----------------+--------+--------+-----------------+
  //   | pre-apply sum   | WAL offset      | WAL size        | salt-1 | salt-2 | node id         |
  //   +-----------------+-----------------+-----------------+--------+--------+-----------------+
  //    80                                          100
  //   +-------------------------------------------+
  //   | reserved: zeros, ignored, checksummed     |
  //   +-------------------------------------------+

  /** The size of a header. */
  public static final int BYTES = 100;

  /** The flag of files that carry no database checksums: pre-apply and post-apply are 0. */
  public static final int FLAG_NO_CHECKSUM = 2;

  static final int MAGIC = 0x4C545831;
  static final int PAGE_SIZE_MIN = 512;
  static final int PAGE_SIZE_MAX = 65536;
  static final long PGNO_MAX = 0xFFFFFFFFL;

  private static final int AT_FLAGS = 4;
  private static final int AT_PAGE_SIZE = 8;
  private static final int AT_COMMIT = 12;
  private static final int AT_MIN_TXID = 16;
  private static final int AT_MAX_TXID = 24;
  private static final int AT_PRE_APPLY = 40;
  private static final int AT_WAL_OFFSET = 48;
  private static final int AT_WAL_SIZE = 56;
  private static final int RESERVED_BYTES = 20;

  /**
   * Validates all fields.
   *
   * @throws IllegalArgumentException if a field breaks a rule of the format
   */
  public LtxHeader {
    boolean summed = (flags & FLAG_NO_CHECKSUM) == 0;
    boolean hasWal = walSize != 0 || walSalt1 != 0 || walSalt2 != 0;
    require(
        (flags & ~FLAG_NO_CHECKSUM) == 0,
        AT_FLAGS,
        "unknown header flags 0x" + Integer.toHexString(flags));
    require(
        isPageSize(pageSize),
        AT_PAGE_SIZE,
        "page size " + Integer.toUnsignedString(pageSize) + " is no power of two in 512..65536");
    require(
        commit >= 0 && commit <= PGNO_MAX,
        AT_COMMIT,
        "commit " + commit + " is not in 0..4294967295");
    require(walOffset >= 0, AT_WAL_OFFSET, "negative WAL offset " + walOffset);
    require(walSize >= 0, AT_WAL_SIZE, "negative WAL size " + walSize);
    require(walOffset > 0 || !hasWal, AT_WAL_OFFSET, "a WAL size or salt without a WAL offset");
    if (summed && !range.isSnapshot()) {
      require(
          preApplyChecksum < 0,
          AT_PRE_APPLY,
          "pre-apply checksum " + Long.toHexString(preApplyChecksum) + " lacks bit 63");
    } else {
      require(
          preApplyChecksum == 0,
          AT_PRE_APPLY,
          "pre-apply checksum " + Long.toHexString(preApplyChecksum) + " where none is allowed");
    }
  }

  /**
   * Returns the header of a file without database checksums, WAL fields and node id: what we write
   * by default.
   */
  public static LtxHeader of(int pageSize, long commit, TxidRange range, long timestampMillis) {
    return new LtxHeader(
        FLAG_NO_CHECKSUM, pageSize, commit, range, timestampMillis, 0, 0, 0, 0, 0, 0);
  }

  /**
   * Reads the header that starts at the buffer's position, and moves it past the header.
   *
   * @param file how the file is named in messages
   * @throws LtxFormatException if fewer than {@link #BYTES} bytes remain, or a field breaks a rule
   */
  public static LtxHeader parse(ByteBuffer src, String file) throws LtxFormatException {
    if (src.remaining() < BYTES) {
      throw new LtxFormatException(
          file, src.remaining(), "the file ends inside the header of 100 bytes");
    }
    ByteBuffer in = src.slice().order(ByteOrder.BIG_ENDIAN);
    src.position(src.position() + BYTES);
    int magic = in.getInt();
    if (magic != MAGIC) {
      throw new LtxFormatException(
          file, 0, "not an LTX file: magic " + Integer.toHexString(magic) + " is not \"LTX1\"");
    }
    try {
      return read(in);
    } catch (FieldException e) {
      throw e.in(file, 0);
    }
  }

  private static LtxHeader read(ByteBuffer in) {
    int flags = in.getInt();
    int pageSize = in.getInt();
    long commit = Integer.toUnsignedLong(in.getInt());
    TxidRange range = range(new Txid(in.getLong()), new Txid(in.getLong()));
    return new LtxHeader(
        flags,
        pageSize,
        commit,
        range,
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getInt(),
        in.getInt(),
        in.getLong());
  }

  private static TxidRange range(Txid min, Txid max) {
    try {
      return new TxidRange(min, max);
    } catch (IllegalArgumentException e) {
      int at = min.equals(Txid.NONE) ? AT_MIN_TXID : AT_MAX_TXID;
      throw new FieldException(at, String.valueOf(e.getMessage()));
    }
  }

  private static boolean isPageSize(int pageSize) {
    return pageSize >= PAGE_SIZE_MIN
        && pageSize <= PAGE_SIZE_MAX
        && Integer.bitCount(pageSize) == 1;
  }

  /**
   * Writes {@link #BYTES} bytes at the buffer's position and moves it past them; the buffer's order
   * does not matter.
   */
  public void write(ByteBuffer dst) {
    ByteBuffer out = dst.slice().order(ByteOrder.BIG_ENDIAN);
    dst.position(dst.position() + BYTES);
    out.putInt(MAGIC).putInt(flags).putInt(pageSize).putInt((int) commit);
    out.putLong(range.min().value()).putLong(range.max().value());
    out.putLong(timestampMillis).putLong(preApplyChecksum);
    out.putLong(walOffset).putLong(walSize).putInt(walSalt1).putInt(walSalt2);
    out.putLong(nodeId).put(new byte[RESERVED_BYTES]);
  }

  /** Returns whether the file carries database checksums. */
  public boolean hasChecksums() {
    return (flags & FLAG_NO_CHECKSUM) == 0;
  }

  /** Returns whether the file holds every page of the database: its history begins at TXID 1. */
  public boolean isSnapshot() {
    return range.isSnapshot();
  }

  /**
   * Returns the pages that a file with this header holds if it holds all of the database: all but
   * the lock page.
   */
  public long fullPageCount() {
    return commit < LockPage.pgno(pageSize) ? commit : commit - 1;
  }
}
