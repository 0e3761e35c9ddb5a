package dev.sluice.replicator.spool;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Takes frames without a commit off a log. It is rare: the limit of every read is a commit, so only
 * a WAL that is damaged or reset under the reader, a full disk or a crash leave such frames. So the
 * table keeps no older versions, but is filled anew from the files.
 */
final class LogTail {
  private LogTail() {}

  /**
   * Makes the log end at its last commit.
   *
   * @throws IOException if the frames before cannot be read; the log is of no use then
   */
  static void dropLooseEnd(Log log) throws IOException {
    log.dropEmptyRuns();
    if (!log.hasLooseEnd()) {
      return;
    }
    log.dropLooseEnd();
    List<Log.Run> runs = log.runs();
    for (int i = 0; i < runs.size(); i++) {
      int end = i + 1 < runs.size() ? runs.get(i + 1).firstOrdinal() : log.frameCount();
      retake(log, runs.get(i), end);
    }
  }

  private static void retake(Log log, Log.Run run, int end) throws IOException {
    ByteBuffer pgno = ByteBuffer.allocate(Integer.BYTES);
    try (FileChannel in = FileChannel.open(run.path(), StandardOpenOption.READ)) {
      for (int ordinal = run.firstOrdinal(); ordinal < end; ordinal++) {
        long offset = run.offsetOf(ordinal);
        if (in.read(pgno.clear(), offset) < Integer.BYTES) {
          throw new EOFException(
              run.path() + " offset=" + offset + ": the log ends in a frame written to it");
        }
        log.retake(Integer.toUnsignedLong(pgno.getInt(0)), ordinal);
      }
    }
  }

  /** Returns where the frames of a file end that the log keeps; 0 if it keeps none. */
  static long end(Log log, LogFile file) {
    long end = 0;
    List<Log.Run> runs = log.runs();
    for (int i = 0; i < runs.size(); i++) {
      int next = i + 1 < runs.size() ? runs.get(i + 1).firstOrdinal() : log.frameCount();
      if (runs.get(i).path().equals(file.path())) {
        end = runs.get(i).offsetOf(next);
      }
    }
    return end;
  }
}
