package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.wal.WalPosition;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What the last cut ended at. Immutable.
 *
 * @param count how many records there were before this one in this spool
 * @param txid of the last cut; {@link Txid#NONE} if there was none
 * @param timestampMillis of the last cut, milliseconds since the Unix epoch
 * @param pageSize of the last cut; 0 if there was none
 * @param commit pages of the database after the last cut
 * @param lastLog the greatest number of a log file that is in a cut: it and those before are done
 *     with; 0 if none
 * @param position where in the WAL the last cut ended; empty if the database had none
 */
public record CutRecord(
    long count,
    Txid txid,
    long timestampMillis,
    int pageSize,
    long commit,
    long lastLog,
    Optional<WalPosition> position) {

  // All integers are big-endian.
  //
  //    0            8       16      24          32         36       40        48      52         72
  //
  // +------------+-------+-------+-----------+----------+--------+---------+-------+----------+--------+
  //   | "SLUICEP1" | count | TXID  | timestamp | pagesize | commit | lastlog | flags | position |
  // CRC32C |
  //
  // +------------+-------+-------+-----------+----------+--------+---------+-------+----------+--------+
  //
  //   flags: bit 0 = there is a position; it is zeros otherwise

  static final int BYTES = 76;

  private static final long MAGIC = 0x534C_5549_4345_5031L;
  private static final int AT_CRC = BYTES - Integer.BYTES;
  private static final int FLAG_POSITION = 1;

  /** Returns the record of a spool without a cut. */
  static CutRecord none(Txid last, long timestampMillis) {
    return new CutRecord(0, last, timestampMillis, 0, 0, 0, Optional.empty());
  }

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.BIG_ENDIAN);
    out.putLong(MAGIC).putLong(count).putLong(txid.value()).putLong(timestampMillis);
    out.putInt(pageSize).putInt((int) commit).putLong(lastLog);
    out.putInt(position.isPresent() ? FLAG_POSITION : 0);
    position.ifPresent(there -> there.write(out));
    out.putInt(AT_CRC, crc(out.array()));
    return out.array();
  }

  /** Returns the record that {@code bytes} are; empty if they are none, or a torn one. */
  static Optional<CutRecord> parse(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    if (bytes.length < BYTES || in.getLong() != MAGIC || in.getInt(AT_CRC) != crc(bytes)) {
      return Optional.empty();
    }
    long count = in.getLong();
    Txid txid = new Txid(in.getLong());
    long timestampMillis = in.getLong();
    int pageSize = in.getInt();
    long commit = Integer.toUnsignedLong(in.getInt());
    long lastLog = in.getLong();
    Optional<WalPosition> position =
        in.getInt() == FLAG_POSITION ? Optional.of(WalPosition.read(in)) : Optional.empty();
    return Optional.of(
        new CutRecord(count, txid, timestampMillis, pageSize, commit, lastLog, position));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, AT_CRC);
    return (int) crc.getValue();
  }
}
