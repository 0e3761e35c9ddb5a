package dev.sluice.replicator.capture;

import dev.sluice.ltx.LockPage;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * The pages in a database file, read past SQLite.
 *
 * <p>POSIX takes all locks that this process has on a file when any descriptor of that file is
 * closed, those of SQLite too, and the garbage collector closes channels that nobody reaches. So
 * there is one descriptor for each database, which is opened before the first connection and never
 * closed: the application's connections may be in this process. Thread-safe.
 */
final class DatabaseFile {
  /** By device and inode. */
  private static final ConcurrentMap<Object, FileChannel> OPEN = new ConcurrentHashMap<>();

  private static final int HEADER_BYTES = 100;
  private static final int AT_PAGE_SIZE = 16;
  private static final int LARGEST = 65_536;

  private final Path path;
  private final FileChannel channel;

  private DatabaseFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** Opens the file of a database that is there. */
  static DatabaseFile open(Path path) throws IOException {
    Object key = Files.getAttribute(path, "unix:ino") + "@" + Files.getAttribute(path, "unix:dev");
    FileChannel known = OPEN.get(key);
    if (known == null) {
      FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
      FileChannel other = OPEN.putIfAbsent(key, opened);
      known = other == null ? opened : other; // who came second must not close its own
      if (other != null) {
        OPEN.put(opened, opened);
      }
    }
    return new DatabaseFile(path, known);
  }

  /** Returns the page size that the file's header says; 0 of an empty file. */
  int pageSize() throws IOException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    if (channel.read(header, 0) < HEADER_BYTES) {
      return 0;
    }
    int size = Short.toUnsignedInt(header.getShort(AT_PAGE_SIZE));
    return size == 1 ? LARGEST : size;
  }

  /** Returns how many whole pages the file has. */
  long pages(int pageSize) throws IOException {
    return channel.size() / pageSize;
  }

  /** Fills {@code dst}, of one page's size, with a page. */
  void read(long pgno, ByteBuffer dst) throws IOException {
    long offset = (pgno - 1) * dst.capacity();
    dst.clear();
    while (dst.hasRemaining()) {
      if (channel.read(dst, offset + dst.position()) < 0) {
        throw new EOFException("read page " + pgno + " of " + path + ": the file ends before it");
      }
    }
    dst.flip();
  }

  static boolean isLockPage(long pgno, int pageSize) {
    return pgno == LockPage.pgno(pageSize);
  }
}
