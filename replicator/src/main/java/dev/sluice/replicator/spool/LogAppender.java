package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.FrameRun;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Writes frames to the end of a log. After each append, even one that failed, the log ends at a
 * commit. Confined to one thread at a time.
 */
final class LogAppender {
  private final SpoolFolder folder;
  private final SpoolStep.Listener steps;
  private long lastNumber;
  private Optional<LogFile> file = Optional.empty();
  private boolean isSound = true;

  /**
   * @param lastNumber the greatest number that a log file ever had here
   */
  LogAppender(SpoolFolder folder, SpoolStep.Listener steps, long lastNumber) {
    this.folder = folder;
    this.steps = steps;
    this.lastNumber = lastNumber;
  }

  /** Returns the greatest number that a log file ever had here. */
  long lastNumber() {
    return lastNumber;
  }

  /**
   * Takes what the reader gives.
   *
   * @param end where what the spool has ends: the new frames go on there, or begin a generation
   */
  void append(Log log, Optional<WalPosition> end, FrameReader reader) throws IOException {
    isSound = false;
    try {
      write(log, end, reader);
    } catch (IOException e) {
      dropLooseEnd(log, e);
      throw e;
    }
    dropLooseEnd(log);
  }

  private void write(Log log, Optional<WalPosition> end, FrameReader reader) throws IOException {
    boolean isBegun = false;
    while (reader.next()) {
      LogFile out = file(log);
      if (!isBegun) {
        begin(log, out, end, reader.run());
        isBegun = true;
      }
      out.append(reader.frames());
      log.take(reader);
      steps.reached(SpoolStep.FRAMES_WRITTEN);
    }
  }

  /** Returns whether log and files end at a commit; if they do not, they are of no use. */
  boolean isSound() {
    return isSound;
  }

  private LogFile file(Log log) throws IOException {
    if (file.isPresent()) {
      return file.get();
    }
    lastNumber++;
    LogFile created = new LogFile(folder.log(lastNumber), lastNumber, 0);
    file = Optional.of(created);
    log.files().add(created);
    created.append(ByteBuffer.allocate(0));
    steps.reached(SpoolStep.LOG_CREATED);
    return created;
  }

  /** Writes a section's header, unless the frames go on in the last section of this file. */
  private void begin(Log log, LogFile out, Optional<WalPosition> end, FrameRun frames)
      throws IOException {
    boolean goesOn =
        !log.isEmpty()
            && log.lastRun().path().equals(out.path())
            && end.equals(Optional.of(frames.from()))
            && log.lastRun().start().salts().equals(frames.from().salts());
    if (!goesOn) {
      LogSection section =
          new LogSection(out.number(), frames.pageSize(), frames.order(), frames.from(), end);
      out.append(ByteBuffer.wrap(section.toBytes()));
      log.begin(out, out.size(), section);
    }
  }

  private void dropLooseEnd(Log log, IOException failure) {
    try {
      dropLooseEnd(log);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * What stays in a file behind its end could verify after a crash, and files that went on from
   * that end would not follow any more: a log that cannot be truncated is of no use.
   */
  private void dropLooseEnd(Log log) throws IOException {
    LogTail.dropLooseEnd(log);
    if (file.isPresent() && !file.get().endsAt(LogTail.end(log, file.get()))) {
      file.get().truncate(LogTail.end(log, file.get()));
      steps.reached(SpoolStep.LOG_TRUNCATED);
    }
    isSound = true;
  }

  /** Ends the file that is written to; the next append begins another. */
  void endFile() throws IOException {
    if (file.isPresent()) {
      file.get().close();
    }
    file = Optional.empty();
  }
}
