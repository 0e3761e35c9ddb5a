package dev.sluice.replicator.wal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The running checksum of a WAL: two sums of 32 bits, of which each takes in the other.
 *
 * <pre>
 *   for each pair of words x, y:   s1 += x + s2;   s2 += y + s1
 * </pre>
 *
 * <p>Words are read in the byte order that the WAL header's magic says; the sums themselves are
 * always stored big-endian. A checksum is a long here: s1 in the high half, s2 in the low one, as a
 * frame has them.
 */
final class WalChecksum {
  private static final long LOW = 0xFFFFFFFFL;

  private WalChecksum() {}

  /**
   * Returns the checksum after {@code count} more bytes.
   *
   * @param bytes in the byte order of the WAL
   * @param from index of the first byte; the buffer's position does not matter
   * @param count a multiple of 8
   */
  static long update(long checksum, ByteBuffer bytes, int from, int count) {
    return bytes.order() == ByteOrder.BIG_ENDIAN
        ? updateBig(checksum, bytes, from, count)
        : updateLittle(checksum, bytes, from, count);
  }

  private static long updateBig(long checksum, ByteBuffer bytes, int from, int count) {
    int s1 = (int) (checksum >>> Integer.SIZE);
    int s2 = (int) checksum;
    for (int at = from; at < from + count; at += Long.BYTES) {
      long pair = bytes.getLong(at);
      s1 = s1 + (int) (pair >>> Integer.SIZE) + s2;
      s2 = s2 + (int) pair + s1;
    }
    return ((long) s1 << Integer.SIZE) | (s2 & LOW);
  }

  private static long updateLittle(long checksum, ByteBuffer bytes, int from, int count) {
    int s1 = (int) (checksum >>> Integer.SIZE);
    int s2 = (int) checksum;
    for (int at = from; at < from + count; at += Long.BYTES) {
      long pair = bytes.getLong(at);
      s1 = s1 + (int) pair + s2;
      s2 = s2 + (int) (pair >>> Integer.SIZE) + s1;
    }
    return ((long) s1 << Integer.SIZE) | (s2 & LOW);
  }
}
