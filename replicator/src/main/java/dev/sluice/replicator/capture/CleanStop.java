package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.CutRecord;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * That the database file, as the file system describes it, is what the spool ends with. Where the
 * file is described so once more, and there is no WAL, nothing has happened in between. Immutable.
 *
 * @param boot of the host: after another one the file's content may be older than its description
 * @param file settled
 * @param end what the spool ended with
 */
record CleanStop(String boot, FileStat file, String end) {

  // All integers are big-endian; the file is written when a database is let go of, and stays. One
  // that is torn, or is of another state of the spool or of the file, says nothing.
  //
  //    0            8      16      24     32      40      48
  //   +------------+------+-------+------+-------+-------+-----------------+--------+
  //   | "SLUICES1" | dev  | inode | size | mtime | ctime | boot | 0 | end  | CRC32C |
  //   +------------+------+-------+------+-------+-------+-----------------+--------+

  private static final int AT_TEXT = 48;
  private static final char SEPARATOR = 0;
  private static final long MAGIC = 0x534C_5549_4345_5331L;
  private static final String NAME = "clean-stop";
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  /** Returns that of a file and a spool as they are now. */
  static CleanStop of(FileStat file, Spool spool) {
    return new CleanStop(bootNow(), file, endNow(spool));
  }

  private static String bootNow() {
    try {
      return Files.readString(BOOT);
    } catch (IOException e) {
      return "no boot id";
    }
  }

  /** A place in the WAL is of one history only; where there is none the last cut is. */
  private static String endNow(Spool spool) {
    CutRecord last = spool.lastCut();
    return spool
        .position()
        .map(WalPosition::toString)
        .orElse(last.txid() + "/" + last.timestampMillis());
  }

  /** Returns the one that is in a spool's directory; empty if there is none. */
  static Optional<CleanStop> read(Path spool) throws IOException {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(spool.resolve(NAME));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    return parse(bytes);
  }

  void write(Path spool) throws IOException {
    Files.write(spool.resolve(NAME), toBytes());
  }

  byte[] toBytes() {
    byte[] text = (boot + SEPARATOR + end).getBytes(StandardCharsets.UTF_8);
    ByteBuffer out =
        ByteBuffer.allocate(AT_TEXT + text.length + Integer.BYTES).order(ByteOrder.BIG_ENDIAN);
    out.putLong(MAGIC).putLong(file.device()).putLong(file.inode()).putLong(file.size());
    out.putLong(file.mtimeNanos()).putLong(file.ctimeNanos()).put(text);
    out.putInt(crc(out.array()));
    return out.array();
  }

  static Optional<CleanStop> parse(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    if (bytes.length < AT_TEXT + Integer.BYTES
        || in.getInt(bytes.length - Integer.BYTES) != crc(bytes)
        || in.getLong() != MAGIC) {
      return Optional.empty();
    }
    FileStat file =
        new FileStat(in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong());
    int textBytes = bytes.length - Integer.BYTES - AT_TEXT;
    String text = new String(bytes, AT_TEXT, textBytes, StandardCharsets.UTF_8);
    int separator = text.indexOf(SEPARATOR);
    return separator < 0
        ? Optional.empty()
        : Optional.of(
            new CleanStop(text.substring(0, separator), file, text.substring(separator + 1)));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, bytes.length - Integer.BYTES);
    return (int) crc.getValue();
  }

  /** Returns whether file and spool are still what they were; no spool that holds nothing is. */
  boolean holds(FileStat now, Spool spool) {
    return spool.pageSize() > 0
        && file.equals(now)
        && end.equals(endNow(spool))
        && boot.equals(bootNow());
  }
}
