package dev.sluice.cache.restore;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * A database file that pages are written to, in long runs where pages follow each other.
 *
 * <p>A {@link RandomAccessFile}, because an interrupt closes the channel that it meets, and
 * restores are interrupted. Confined to one thread at a time.
 */
final class DatabaseFile implements Closeable {
  private static final int RUN_BYTES_MAX = 1 << 20;

  private final RandomAccessFile out;
  private final byte[] run = new byte[RUN_BYTES_MAX];
  private long runAt;
  private int runBytes;

  DatabaseFile(Path path) throws IOException {
    out = new RandomAccessFile(path.toFile(), "rw");
  }

  void write(long pgno, byte[] page) throws IOException {
    long at = (pgno - 1) * page.length;
    if (at != runAt + runBytes || runBytes + page.length > run.length) {
      flush();
      runAt = at;
    }
    System.arraycopy(page, 0, run, runBytes, page.length);
    runBytes += page.length;
  }

  private void flush() throws IOException {
    if (runBytes > 0) {
      out.seek(runAt);
      out.write(run, 0, runBytes);
      runAt += runBytes;
      runBytes = 0;
    }
  }

  /** Makes the file exactly so long; what is added reads as zeros. */
  void setLength(long bytes) throws IOException {
    flush();
    out.setLength(bytes);
  }

  void sync() throws IOException {
    flush();
    out.getFD().sync();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
