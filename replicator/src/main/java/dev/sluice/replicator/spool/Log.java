package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.PageTable;
import dev.sluice.replicator.wal.WalFrame;
import dev.sluice.replicator.wal.WalPosition;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The frames that no cut holds yet, as they lie in log files: the runs, the newest frame of each
 * page, and where the last commit ended. Knows nothing of how they got there; no I/O. Confined to
 * one thread at a time.
 *
 * <p>Invariants: frames are numbered through all runs, their <em>ordinal</em>, from 0 on; all are
 * of one page size; between two calls from outside the last frame is a commit.
 */
final class Log {
  private final List<LogFile> files = new ArrayList<>();
  private final List<Run> runs = new ArrayList<>();
  private PageTable pages = new PageTable();
  private int frameCount;
  private Optional<Commit> last = Optional.empty();

  /**
   * Frames that follow one another in a file.
   *
   * @param firstOrdinal the ordinal of the first
   * @param offset where in the file it starts
   */
  record Run(
      Path path, int firstOrdinal, long offset, WalPosition start, int pageSize, ByteOrder order) {

    /** Returns where in the file a frame starts. */
    long offsetOf(int ordinal) {
      return offset + (long) (ordinal - firstOrdinal) * WalFrame.bytes(pageSize);
    }
  }

  /**
   * The end of a transaction in the log.
   *
   * @param frameCount frames of the log up to it
   * @param pages size of the database
   */
  record Commit(int frameCount, WalPosition end, long pages) {}

  List<LogFile> files() {
    return files;
  }

  List<Run> runs() {
    return runs;
  }

  PageTable pages() {
    return pages;
  }

  int frameCount() {
    return frameCount;
  }

  boolean isEmpty() {
    return frameCount == 0;
  }

  /** Returns the last commit; empty if there is none. */
  Optional<Commit> last() {
    return last;
  }

  /** Returns the page size of all frames; 0 if there are none. */
  int pageSize() {
    return runs.isEmpty() ? 0 : runs.get(0).pageSize();
  }

  Run lastRun() {
    return runs.get(runs.size() - 1);
  }

  /** Begins a run whose frames come from {@code offset} of the file on. */
  void begin(LogFile file, long offset, LogSection section) {
    runs.add(
        new Run(
            file.path(), frameCount, offset, section.start(), section.pageSize(), section.order()));
  }

  /** Takes the frames of a reader's batch into the last run. */
  void take(FrameReader reader) {
    for (int i = 0; i < reader.count(); i++) {
      pages.put(reader.pgno(i), frameCount);
      frameCount = Math.incrementExact(frameCount);
    }
    if (reader.commit() != 0) {
      int past = (int) (reader.lastFrame() - reader.position().frame());
      last = Optional.of(new Commit(frameCount - past, reader.position(), reader.commit()));
    }
  }

  /** Returns whether there are frames behind the last commit. */
  boolean hasLooseEnd() {
    return frameCount > committedFrames();
  }

  private int committedFrames() {
    return last.map(Commit::frameCount).orElse(0);
  }

  /**
   * Forgets the frames behind the last commit and the runs that are empty then. The table is to be
   * {@linkplain #retake filled} anew.
   */
  void dropLooseEnd() {
    frameCount = committedFrames();
    dropEmptyRuns();
    pages = new PageTable();
  }

  void dropEmptyRuns() {
    runs.removeIf(run -> run.firstOrdinal() >= frameCount);
  }

  /** Takes a frame that is there again into the table. */
  void retake(long pgno, int ordinal) {
    pages.put(pgno, ordinal);
  }

  /**
   * Returns the place before the first frame of the last generation, as far as it is in the log;
   * empty if there are no frames.
   */
  Optional<WalPosition> generationStart() {
    Optional<WalPosition> start = Optional.empty();
    for (int i = runs.size() - 1; i >= 0; i--) {
      Run run = runs.get(i);
      if (start.isPresent()
          && (start.get().frame() == 0 || !start.get().salts().equals(run.start().salts()))) {
        break;
      }
      start = Optional.of(run.start());
    }
    return start;
  }

  /** Returns the bytes of all files. */
  long bytes() {
    return files.stream().mapToLong(LogFile::size).sum();
  }
}
