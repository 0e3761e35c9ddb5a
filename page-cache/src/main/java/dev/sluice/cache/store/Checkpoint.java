package dev.sluice.cache.store;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * A side file that says what pages a store had on its disk at some time, and how each is
 * recognised: what counts after a power cut, when tags and pages are of different times.
 *
 * <pre>
 *   0          8      16       20          24                            8 n + 24   + 4
 *  +----------+------+--------+-----------+-----+-----+-------+---------+----------+
 *  | SLUICEK1 | TXID | commit | page size | n   | sum of page 1 .. n    | CRC32C   |
 *  +----------+------+--------+-----------+-----+-----------------------+----------+
 *
 *   big endian; a sum as in `sums`, 0 = the page was not there; n is 4 bytes
 * </pre>
 */
final class Checkpoint {
  private static final byte[] MAGIC = "SLUICEK1".getBytes(StandardCharsets.US_ASCII);
  private static final int BUFFER_BYTES = 1 << 16;

  private Checkpoint() {}

  /** What it begins with. */
  record Header(long txid, long commit, int pageSize) {}

  /** Given each page that was there. */
  interface Visitor {
    void visit(long pgno, long sum);
  }

  /** Says the sums of pages, 0 where there is none. */
  interface Sums {
    long sum(long pgno);
  }

  /** Writes the file anew: whole or not at all. */
  static void write(Path path, Header header, long pages, Sums sums) throws IOException {
    SideFile.write(path, file -> write(file, header, pages, sums));
  }

  private static void write(FileOutputStream file, Header header, long pages, Sums sums)
      throws IOException {
    CheckedOutputStream checked =
        new CheckedOutputStream(new BufferedOutputStream(file, BUFFER_BYTES), new CRC32C());
    DataOutputStream out = new DataOutputStream(checked);
    out.write(MAGIC);
    out.writeLong(header.txid());
    out.writeInt((int) header.commit());
    out.writeInt(header.pageSize());
    out.writeInt((int) pages);
    for (long pgno = 1; pgno <= pages; pgno++) {
      out.writeLong(sums.sum(pgno));
    }
    out.writeInt((int) checked.getChecksum().getValue());
    out.flush();
  }

  /** Returns what the file begins with, if all of it is as it was written. */
  static Optional<Header> read(Path path) throws IOException {
    return read(path, (pgno, sum) -> {});
  }

  /** As the other; what was visited counts only if there is a header. */
  static Optional<Header> read(Path path, Visitor visitor) throws IOException {
    if (!Files.exists(path)) {
      return Optional.empty();
    }
    try (CheckedInputStream checked =
            new CheckedInputStream(
                new BufferedInputStream(Files.newInputStream(path), BUFFER_BYTES), new CRC32C());
        DataInputStream in = new DataInputStream(checked)) {
      byte[] magic = in.readNBytes(MAGIC.length);
      Header header = new Header(in.readLong(), Integer.toUnsignedLong(in.readInt()), in.readInt());
      long pages = Integer.toUnsignedLong(in.readInt());
      if (!Arrays.equals(magic, MAGIC)) {
        return Optional.empty();
      }
      for (long pgno = 1; pgno <= pages; pgno++) {
        long sum = in.readLong();
        if (sum != 0) {
          visitor.visit(pgno, sum);
        }
      }
      int crc = (int) checked.getChecksum().getValue();
      return in.readInt() == crc ? Optional.of(header) : Optional.empty();
    } catch (EOFException e) {
      return Optional.empty();
    }
  }
}
