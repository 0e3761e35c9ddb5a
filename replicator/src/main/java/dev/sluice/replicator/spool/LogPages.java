package dev.sluice.replicator.spool;

import dev.sluice.ltx.LockPage;
import dev.sluice.replicator.wal.PageTable;
import dev.sluice.replicator.wal.WalFrame;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The newest version of each page in a log that takes no more frames, up to the size of the
 * database at its last commit. SQLite writes the pages of a transaction in ascending order, so
 * neighbours in the file are often neighbours here, and come in one read. Confined to one thread at
 * a time.
 */
final class LogPages implements PageSource {
  private static final int READ_BYTES_MAX = 256 << 10;

  private final List<Log.Run> runs;
  private final int[] firstOrdinals;
  private final long[] entries;
  private final int count;
  private final int pageSize;

  /** Takes the log's table over: the log is of no use then. */
  LogPages(Log log) {
    runs = List.copyOf(log.runs());
    firstOrdinals = runs.stream().mapToInt(Log.Run::firstOrdinal).toArray();
    pageSize = log.pageSize();
    long commit = log.last().orElseThrow().pages();
    int kept = log.pages().count();
    entries = log.pages().takeSorted();
    while (kept > 0 && PageTable.pgno(entries[kept - 1]) > commit) {
      kept--;
    }
    count = kept;
  }

  @Override
  public void writeTo(PageSink file) throws IOException {
    int frameBytes = WalFrame.bytes(pageSize);
    int most = Math.max(1, Math.min(count, READ_BYTES_MAX / frameBytes));
    ByteBuffer frames = ByteBuffer.allocate(most * frameBytes);
    byte[] page = new byte[pageSize];
    try (OpenLogs files = new OpenLogs()) {
      for (int i = 0; i < count; ) {
        int together = together(i, most);
        read(files, i, frames.clear().limit(together * frameBytes));
        for (int j = 0; j < together; j++) {
          frames.get(j * frameBytes + WalFrame.HEADER_BYTES, page);
          write(file, requirePgno(i + j, frames.getInt(j * frameBytes)), page);
        }
        i += together;
      }
    }
  }

  /** SQLite writes no lock page; no LTX file has one. */
  private void write(PageSink file, long pgno, byte[] page) throws IOException {
    if (pgno != LockPage.pgno(pageSize)) {
      file.page(pgno, page);
    }
  }

  /** Returns how many entries from one on are neighbours in their file, {@code most} at most. */
  private int together(int first, int most) {
    int ordinal = PageTable.ordinal(entries[first]);
    int run = runOf(ordinal);
    int end = run + 1 < runs.size() ? firstOrdinals[run + 1] : Integer.MAX_VALUE;
    int n = 1;
    while (n < most
        && first + n < count
        && ordinal + n < end
        && PageTable.ordinal(entries[first + n]) == ordinal + n) {
      n++;
    }
    return n;
  }

  private int runOf(int ordinal) {
    int found = Arrays.binarySearch(firstOrdinals, ordinal);
    return found >= 0 ? found : -found - 2;
  }

  private void read(OpenLogs files, int entry, ByteBuffer dst) throws IOException {
    int ordinal = PageTable.ordinal(entries[entry]);
    Log.Run run = runs.get(runOf(ordinal));
    FileChannel in = files.open(run.path());
    long offset = run.offsetOf(ordinal);
    while (dst.hasRemaining()) {
      if (in.read(dst, offset + dst.position()) < 0) {
        throw new EOFException(
            run.path() + " offset=" + offset + ": the log ends in a frame that was written to it");
      }
    }
  }

  private long requirePgno(int entry, int found) throws IOException {
    long pgno = PageTable.pgno(entries[entry]);
    if (pgno != Integer.toUnsignedLong(found)) {
      int ordinal = PageTable.ordinal(entries[entry]);
      Log.Run run = runs.get(runOf(ordinal));
      throw new IOException(
          run.path()
              + " offset="
              + run.offsetOf(ordinal)
              + ": a frame of page "
              + Integer.toUnsignedString(found)
              + ", not "
              + pgno);
    }
    return pgno;
  }

  /** The log files as they are asked for, open until all pages are read. */
  private static final class OpenLogs implements Closeable {
    private final Map<Path, FileChannel> opened = new HashMap<>();

    FileChannel open(Path path) throws IOException {
      FileChannel channel = opened.get(path);
      if (channel == null) {
        channel = FileChannel.open(path, StandardOpenOption.READ);
        opened.put(path, channel);
      }
      return channel;
    }

    @Override
    public void close() throws IOException {
      for (FileChannel channel : opened.values()) {
        channel.close();
      }
    }
  }
}
