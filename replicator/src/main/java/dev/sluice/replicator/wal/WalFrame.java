package dev.sluice.replicator.wal;

/**
 * The shape of a frame: one version of one page.
 *
 * <pre>
 *    0        4        8        12       16          20          24
 *   +--------+--------+--------+--------+-----------+-----------+---------------- - -+
 *   | pgno   | commit | salt-1 | salt-2 | checksum1 | checksum2 | page, page size B  |
 *   +--------+--------+--------+--------+-----------+-----------+---------------- - -+
 *   |<---- summed --->|                                          |<---- summed ------>|
 * </pre>
 *
 * <p>All integers are big-endian. Commit is the size of the database in pages if the frame ends a
 * transaction, and 0 if it does not. The checksum runs on from that of the frame before, and that
 * of the first frame from the header's.
 */
public final class WalFrame {

  /** The size of a frame's header. */
  public static final int HEADER_BYTES = 24;

  /** Where a frame has its commit. */
  static final int AT_COMMIT = 4;

  static final int AT_SALT1 = 8;
  static final int AT_SALT2 = 12;
  static final int AT_CHECKSUM = 16;
  static final int SUMMED_BYTES = 8;

  private WalFrame() {}

  /** Returns the size of a whole frame. */
  public static int bytes(int pageSize) {
    return HEADER_BYTES + pageSize;
  }

  /** Returns where in a WAL file a frame starts; the first frame is 1. */
  public static long offset(long frame, int pageSize) {
    return WalHeader.BYTES + (frame - 1) * bytes(pageSize);
  }
}
