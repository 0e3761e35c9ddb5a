package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Which cuts the page checksums of a spool are of. Immutable.
 *
 * @param count how many headers there were before this one
 * @param pageSize of all pages
 * @param base all cuts up to this TXID are in, and on disk
 * @param applied no cut after this TXID is in, not even in part
 */
record ChecksumsHeader(long count, int pageSize, Txid base, Txid applied) {

  // All integers are big-endian.
  //
  //    0            8       16       20     24      32        40       44
  //   +------------+-------+--------+------+-------+---------+--------+
  //   | "SLUICEC1" | count |pagesize|  0   | base  | applied | CRC32C |
  //   +------------+-------+--------+------+-------+---------+--------+

  static final int BYTES = 44;

  private static final long MAGIC = 0x534C_5549_4345_4331L;
  private static final int AT_CRC = BYTES - Integer.BYTES;

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.BIG_ENDIAN);
    out.putLong(MAGIC).putLong(count).putInt(pageSize).putInt(0);
    out.putLong(base.value()).putLong(applied.value());
    out.putInt(crc(out.array()));
    return out.array();
  }

  /** Returns the header that {@code bytes} are; empty if they are none, or a torn one. */
  static Optional<ChecksumsHeader> parse(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    if (bytes.length < BYTES || in.getInt(AT_CRC) != crc(bytes) || in.getLong() != MAGIC) {
      return Optional.empty();
    }
    long count = in.getLong();
    int pageSize = in.getInt();
    in.getInt();
    return Optional.of(
        new ChecksumsHeader(count, pageSize, new Txid(in.getLong()), new Txid(in.getLong())));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, AT_CRC);
    return (int) crc.getValue();
  }

  /** Returns the header before entries of further cuts are written. */
  ChecksumsHeader applying(int newPageSize, Txid txid) {
    return new ChecksumsHeader(count + 1, newPageSize, base, txid);
  }

  /** Returns the header after all entries are on disk. */
  ChecksumsHeader onDisk() {
    return new ChecksumsHeader(count + 1, pageSize, applied, applied);
  }
}
