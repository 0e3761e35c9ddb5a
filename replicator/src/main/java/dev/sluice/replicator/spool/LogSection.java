package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.WalPosition;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What stands in a log file before frames that follow one another: with it they prove themselves.
 * Immutable.
 *
 * @param log the number of the file
 * @param pageSize of all frames
 * @param order the byte order in which the frames' checksums read them
 * @param start the place in the WAL before the first frame
 * @param before where the frames, or the cut, before this section ended; empty if the database had
 *     no WAL then
 */
record LogSection(
    long log, int pageSize, ByteOrder order, WalPosition start, Optional<WalPosition> before) {

  // A log file is sections one after another, each a header and the frames as they were in the WAL.
  // All integers are big-endian. No frame is of page 0, so a header cannot be taken for one.
  //
  //    0     4        8         12         16    24      28      48       68       72
  //   +-----+--------+---------+----------+-----+-------+-------+--------+--------+-------+-----
  //   |  0  | "SLOG" | version | pagesize | log | flags | start | before | CRC32C | frame | ...
  //   +-----+--------+---------+----------+-----+-------+-------+--------+--------+-------+-----
  //
  //   flags: bit 0 = checksums read the frames as big-endian words, bit 1 = there is a place before

  static final int BYTES = 72;

  private static final int MAGIC = 0x534C_4F47;
  private static final int VERSION = 1;
  private static final int FLAG_BIG = 1;
  private static final int FLAG_BEFORE = 2;
  private static final int AT_BEFORE = 48;
  private static final int AT_CRC = BYTES - Integer.BYTES;

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.BIG_ENDIAN);
    int flags = order == ByteOrder.BIG_ENDIAN ? FLAG_BIG : 0;
    out.putInt(0).putInt(MAGIC).putInt(VERSION).putInt(pageSize).putLong(log);
    out.putInt(flags | (before.isPresent() ? FLAG_BEFORE : 0));
    start.write(out);
    before.ifPresent(there -> there.write(out));
    out.putInt(AT_CRC, crc(out.array()));
    return out.array();
  }

  /** Returns the section whose header {@code bytes} are; empty if they are none. */
  static Optional<LogSection> parse(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    if (bytes.length < BYTES
        || in.getInt(AT_CRC) != crc(bytes)
        || in.getInt() != 0
        || in.getInt() != MAGIC
        || in.getInt() != VERSION) {
      return Optional.empty();
    }
    int pageSize = in.getInt();
    long log = in.getLong();
    int flags = in.getInt();
    WalPosition start = WalPosition.read(in);
    ByteOrder order = (flags & FLAG_BIG) != 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    Optional<WalPosition> before =
        (flags & FLAG_BEFORE) != 0
            ? Optional.of(WalPosition.read(in.position(AT_BEFORE)))
            : Optional.empty();
    return Optional.of(new LogSection(log, pageSize, order, start, before));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, AT_CRC);
    return (int) crc.getValue();
  }

  /**
   * Returns whether the section goes on where {@code end} says: in the same generation at that
   * place, or in another one from its first frame.
   */
  boolean follows(Optional<WalPosition> end) {
    return before.equals(end) && (start.frame() == 0 || end.equals(Optional.of(start)));
  }
}
