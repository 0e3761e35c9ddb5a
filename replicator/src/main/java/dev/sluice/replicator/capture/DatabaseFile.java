package dev.sluice.replicator.capture;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The pages in a database file, read past SQLite.
 *
 * <p>POSIX takes all locks that this process has on a file when any descriptor of that file is
 * closed, those of SQLite too, and the garbage collector closes channels that nobody reaches. So
 * there is one descriptor for each database, held here. It is closed when nobody of ours has a
 * connection to the file any more, and never where the process is the application's: the
 * application may have one. Thread-safe.
 */
final class DatabaseFile implements Closeable {
  /** Changes under the lock of this class, which is held while a file is opened or closed. */
  private static final Map<Key, Shared> OPEN = new HashMap<>();

  private static final int HEADER_BYTES = 100;
  private static final int AT_PAGE_SIZE = 16;
  private static final int AT_CHANGES = 24;
  private static final int AT_PAGES = 28;
  private static final int AT_VALID_FOR = 92;
  private static final int LARGEST = 65_536;

  private final Path path;
  private final Key key;
  private boolean isClosed;

  /** The channel of a file that is open, once it is needed. */
  private Optional<FileChannel> channel = Optional.empty();

  /** The file, whatever its names. */
  private record Key(long device, long inode) {}

  /** A descriptor, and how many use it. */
  private static final class Shared {
    private Optional<FileChannel> channel = Optional.empty();
    private int users;
    private boolean isForGood;
  }

  private DatabaseFile(Path path, FileStat file, boolean mayClose) {
    this.path = path;
    this.key = new Key(file.device(), file.inode());
    synchronized (OPEN) {
      Shared shared = OPEN.computeIfAbsent(key, file0 -> new Shared());
      shared.users++;
      shared.isForGood |= !mayClose;
    }
  }

  /**
   * Takes a file, to be closed after the last connection of whoever takes it. Opens nothing yet.
   *
   * @param file as the file system says
   * @param mayClose whether no connection in this process is somebody else's
   */
  static DatabaseFile take(Path path, FileStat file, boolean mayClose) {
    return new DatabaseFile(path, file, mayClose);
  }

  /** Returns whether a descriptor is open for it. */
  boolean isOpen() {
    synchronized (OPEN) {
      return Optional.ofNullable(OPEN.get(key)).flatMap(shared -> shared.channel).isPresent();
    }
  }

  private FileChannel channel() throws IOException {
    if (channel.isEmpty()) {
      synchronized (OPEN) {
        Shared shared = Optional.ofNullable(OPEN.get(key)).orElseThrow();
        if (shared.channel.isEmpty()) {
          shared.channel = Optional.of(open());
        }
        channel = shared.channel;
      }
    }
    return channel.get();
  }

  /** What was opened by mistake must not be closed either: it may be a file with locks. */
  private FileChannel open() throws IOException {
    FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
    FileStat now = FileStat.of(path).orElse(new FileStat(0, 0, 0, 0, 0));
    if (!new Key(now.device(), now.inode()).equals(key)) {
      MISTAKEN.add(opened);
      throw new IOException("read " + path + ": another file has taken its place");
    }
    return opened;
  }

  private static final java.util.Queue<FileChannel> MISTAKEN =
      new java.util.concurrent.ConcurrentLinkedQueue<>();

  /** The shape of a database, as the header of its file says. */
  record Shape(int pageSize, long pages) {}

  /** Returns the shape; empty of a file without a header. */
  Optional<Shape> shape() throws IOException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    if (channel().read(header, 0) < HEADER_BYTES) {
      return Optional.empty();
    }
    int size = Short.toUnsignedInt(header.getShort(AT_PAGE_SIZE));
    int pageSize = size == 1 ? LARGEST : size;
    long said = Integer.toUnsignedLong(header.getInt(AT_PAGES));
    boolean isValid = said != 0 && header.getInt(AT_CHANGES) == header.getInt(AT_VALID_FOR);
    return Optional.of(new Shape(pageSize, isValid ? said : channel().size() / pageSize));
  }

  /**
   * Fills {@code dst} with what the file has from a page on: whole pages, at least one.
   *
   * @param dst its limit says how much
   */
  void read(long pgno, int pageSize, ByteBuffer dst) throws IOException {
    long offset = (pgno - 1) * pageSize;
    while (dst.hasRemaining()) {
      if (channel().read(dst, offset + dst.position()) < 0) {
        break;
      }
    }
    if (dst.position() < pageSize) {
      throw new EOFException("read page " + pgno + " of " + path + ": the file ends before it");
    }
    dst.limit(dst.position() / pageSize * pageSize);
    dst.position(0);
  }

  /** Lets go of the file; closes it if nobody else has it, and it may be closed. */
  @Override
  public void close() throws IOException {
    synchronized (OPEN) {
      if (isClosed) {
        return;
      }
      isClosed = true;
      Shared shared = Optional.ofNullable(OPEN.get(key)).orElseThrow();
      shared.users--;
      if (shared.users == 0 && !shared.isForGood) {
        OPEN.remove(key);
        if (shared.channel.isPresent()) {
          shared.channel.get().close();
        }
      }
    }
  }
}
