package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.FrameRun;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads the log files that a process left, as far as they prove themselves: from where the last cut
 * ended, section by section, frame by frame. What comes after that is cut off: a torn tail, and
 * files that do not go on where those before them end. Used once.
 */
final class LogRecovery {
  private static final int BUFFER_BYTES = 256 << 10;

  private final SpoolFolder folder;
  private final CutRecord record;
  private final Log log = new Log();
  private final List<String> notes = new ArrayList<>();
  private final ByteBuffer buffer =
      ByteBuffer.allocate(Math.max(BUFFER_BYTES, FrameReader.BUFFER_BYTES_MIN));
  private Optional<WalPosition> end;
  private long lastNumber;

  LogRecovery(SpoolFolder folder, CutRecord record) {
    this.folder = folder;
    this.record = record;
    this.end = record.position();
    this.lastNumber = record.lastLog();
  }

  /** Reads all log files; those that a cut holds are deleted. */
  Log recover() throws IOException {
    for (long number : folder.logs()) {
      Path path = folder.log(number);
      if (Long.compareUnsigned(number, record.lastLog()) <= 0) {
        Files.deleteIfExists(path);
      } else {
        lastNumber = number;
        recover(number, path);
      }
    }
    return log;
  }

  /** Returns where the log ends, or the last cut if it is empty. */
  Optional<WalPosition> end() {
    return end;
  }

  long lastNumber() {
    return lastNumber;
  }

  /** Returns a line for each file that was cut off or dropped. */
  List<String> notes() {
    return notes;
  }

  private void recover(long number, Path path) throws IOException {
    long size;
    LogFile file = new LogFile(path, number, 0);
    try (FileChannel in = FileChannel.open(path, StandardOpenOption.READ)) {
      size = in.size();
      long from = 0;
      long to = readSection(in, file, from);
      while (to > from) {
        from = to;
        to = readSection(in, file, from);
      }
    }
    long kept = LogTail.end(log, file);
    if (kept == 0) {
      note(size > 0, path + ": no frames that go on after " + describeEnd());
      Files.delete(path);
      return;
    }
    log.files().add(new LogFile(path, number, kept));
    if (kept < size) {
      note(true, path + " offset=" + kept + ": " + (size - kept) + " bytes that prove nothing");
      file.truncate(kept);
      file.close();
    }
  }

  private String describeEnd() {
    return end.map(WalPosition::toString).orElse("a database without a WAL");
  }

  private void note(boolean isWorthIt, String line) {
    if (isWorthIt) {
      notes.add(line);
    }
  }

  /** Takes the section at {@code from} and returns where it ends; {@code from} if it ends here. */
  private long readSection(FileChannel in, LogFile file, long from) throws IOException {
    Optional<LogSection> found = header(in, from);
    if (found.isEmpty() || !fits(found.get(), file)) {
      return from;
    }
    LogSection section = found.get();
    long offset = from + LogSection.BYTES;
    FrameRun run = new FrameRun(in, offset, section.start(), section.pageSize(), section.order());
    FrameReader frames = new FrameReader(run, WalPosition.FRAME_MAX, buffer);
    log.begin(file, offset, section);
    while (frames.next()) {
      log.take(frames);
    }
    boolean isWhole = frames.position().frame() == frames.lastFrame();
    LogTail.dropLooseEnd(log);
    if (frames.commit() == 0) {
      return from;
    }
    end = Optional.of(frames.position());
    return isWhole ? LogTail.end(log, file) : from;
  }

  private boolean fits(LogSection section, LogFile file) {
    int pageSize = log.isEmpty() ? record.pageSize() : log.pageSize();
    return section.log() == file.number()
        && section.follows(end)
        && (pageSize == 0 || pageSize == section.pageSize());
  }

  private static Optional<LogSection> header(FileChannel in, long at) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(LogSection.BYTES);
    while (bytes.hasRemaining()) {
      if (in.read(bytes, at + bytes.position()) < 0) {
        return Optional.empty();
      }
    }
    return LogSection.parse(bytes.array());
  }
}
