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
import java.util.Arrays;
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
record CleanStop(byte[] boot, FileStat file, byte[] end) {

  // All integers are big-endian; the file is written when a database is let go of, and stays. One
  // that is torn, or is of another state of the spool or of the file, says nothing.
  //
  //    0            8      16      24     32      40      48     52   84        84+20|24
  //   +------------+------+-------+------+-------+-------+------+-------+-----+--------+
  //   | "SLUICES1" | dev  | inode | size | mtime | ctime | boot length + boot | end .. | CRC32C |
  //   +------------+------+-------+------+-------+-------+------+-------+-----+--------+

  private static final long MAGIC = 0x534C_5549_4345_5331L;
  private static final String NAME = "clean-stop";
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  /** Returns that of a file and a spool as they are now. */
  static CleanStop of(FileStat file, Spool spool) {
    return new CleanStop(bootNow(), file, endNow(spool));
  }

  private static byte[] bootNow() {
    try {
      return Files.readAllBytes(BOOT);
    } catch (IOException e) {
      return "no boot id".getBytes(StandardCharsets.US_ASCII);
    }
  }

  /** A place in the WAL is of one history only; where there is none the last cut is. */
  private static byte[] endNow(Spool spool) {
    ByteBuffer out = ByteBuffer.allocate(WalPosition.BYTES + Long.BYTES);
    Optional<WalPosition> position = spool.position();
    if (position.isPresent()) {
      position.get().write(out);
    } else {
      CutRecord last = spool.lastCut();
      out.putLong(last.txid().value()).putLong(last.timestampMillis());
    }
    return out.array();
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
    int bytes = Long.BYTES * 6 + Integer.BYTES * 3 + boot.length + end.length;
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.BIG_ENDIAN);
    out.putLong(MAGIC).putLong(file.device()).putLong(file.inode()).putLong(file.size());
    out.putLong(file.mtimeNanos()).putLong(file.ctimeNanos());
    out.putInt(boot.length).put(boot).putInt(end.length).put(end);
    out.putInt(crc(out.array()));
    return out.array();
  }

  static Optional<CleanStop> parse(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    if (bytes.length < Long.BYTES * 6 + Integer.BYTES * 3
        || in.getInt(bytes.length - Integer.BYTES) != crc(bytes)
        || in.getLong() != MAGIC) {
      return Optional.empty();
    }
    FileStat file =
        new FileStat(in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong());
    byte[] boot = new byte[in.getInt()];
    in.get(boot);
    byte[] end = new byte[in.getInt()];
    in.get(end);
    return Optional.of(new CleanStop(boot, file, end));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, bytes.length - Integer.BYTES);
    return (int) crc.getValue();
  }

  /** Returns whether file and spool are still what they were. */
  boolean holds(FileStat now, Spool spool) {
    return file.equals(now) && Arrays.equals(end, endNow(spool)) && Arrays.equals(boot, bootNow());
  }
}
