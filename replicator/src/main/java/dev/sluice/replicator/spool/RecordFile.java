package dev.sluice.replicator.spool;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The file that says which cut was the last: what it says is so, whatever else lies in the spool.
 *
 * <p>Two slots, written in turn, so that a write that is torn leaves the record before; and no
 * rename, which would cost the fsync of a folder with every cut.
 *
 * <pre>
 *    0                   512
 *   +--------+----------+--------+
 *   | record |          | record |   the valid one with the greater count is the last
 *   +--------+----------+--------+
 * </pre>
 */
final class RecordFile {
  static final int SLOT_BYTES = 512;

  private final Path path;

  RecordFile(Path path) {
    this.path = path;
  }

  /**
   * Returns the last record; empty if there is no file.
   *
   * @throws SpoolException.Damaged if neither slot has a record
   */
  Optional<CutRecord> read() throws IOException {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(path);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    Optional<CutRecord> last =
        Stream.of(0, SLOT_BYTES)
            .flatMap(at -> slot(bytes, at).stream())
            .max(Comparator.comparingLong(CutRecord::count));
    if (last.isEmpty()) {
      throw new SpoolException.Damaged(path, 0, "neither slot holds a position record");
    }
    return last;
  }

  private static Optional<CutRecord> slot(byte[] bytes, int at) {
    int end = Math.min(bytes.length, at + CutRecord.BYTES);
    return at < end ? CutRecord.parse(Arrays.copyOfRange(bytes, at, end)) : Optional.empty();
  }

  /**
   * Writes a record beside the one before it, and makes it last: by fdatasync, for nothing but the
   * bytes has changed.
   */
  void write(CutRecord record, SpoolStep.Listener steps) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
      out.seek(record.count() % 2 * SLOT_BYTES);
      out.write(record.toBytes());
      steps.reached(SpoolStep.RECORD_WRITTEN);
      out.getChannel().force(false);
    }
  }

  void delete() throws IOException {
    Files.deleteIfExists(path);
  }
}
