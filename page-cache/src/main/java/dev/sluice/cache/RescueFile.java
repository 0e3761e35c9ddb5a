package dev.sluice.cache;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import java.util.zip.CRC32C;

/**
 * A file without a name that keeps pages, each under an id that is never given again. There is none
 * while it keeps no page. Where the system lets an open file be deleted, as POSIX does, it is, and
 * a crash leaves nothing; elsewhere it is deleted on close and at the end of the process.
 *
 * <p>All pages that are kept at one time are of one size, that of the first: a replica has one page
 * size.
 *
 * <p>A {@link RandomAccessFile}, because a channel is closed when a thread that uses it is
 * interrupted, and a file without a name cannot be opened again. Thread-safe; its lock is held
 * during I/O, because the position is the file's. Sizes are told and set without it, so that a disk
 * that hangs holds up nobody else.
 *
 * <p>Invariants: {@code ids} ascend; no two pages have one slot; a slot is in {@code isTaken} if
 * and only if a page has it; the slots of the file take no more than the most bytes allowed.
 */
final class RescueFile implements AutoCloseable {
  //  slot i, at i * (page size + 4):
  //  +------------------------------+-------------------------------------------+
  //  | page                         | CRC32C of id (8 bytes, big endian) and    |
  //  |                              | page; 4 bytes, big endian                 |
  //  +------------------------------+-------------------------------------------+
  private static final int CHECKSUM_BYTES = Integer.BYTES;
  private static final int PAGE_BYTES_MIN = 512;
  private static final int PAGE_BYTES_MAX = 65_536;
  private static final int INITIAL_PAGES = 16;

  private final Object lock = new Object();
  private final Path directory;
  private final AtomicLong bytesMax;
  private final BitSet isTaken = new BitSet();
  private long[] ids = new long[INITIAL_PAGES];
  private int[] slots = new int[INITIAL_PAGES];
  private int count;
  private int pageBytes;
  private long nextId = 1;
  private boolean isClosed;

  /** Written under the lock. */
  private volatile long usedBytes;

  private Optional<Opened> opened = Optional.empty();

  /**
   * @param directory where the file is made; made itself if it is not there
   * @param bytesMax the most bytes that pages and their checksums may take
   */
  RescueFile(Path directory, long bytesMax) {
    this.directory = directory;
    this.bytesMax = new AtomicLong(bytesMax);
  }

  /** Returns what a page takes in the file, with its checksum. */
  static long slotBytes(int pageBytes) {
    return (long) pageBytes + CHECKSUM_BYTES;
  }

  /** The open file and, where it still has one, its name. */
  private record Opened(RandomAccessFile file, Optional<Path> name) {

    static Opened in(Path directory) throws IOException {
      Files.createDirectories(directory);
      Path path = Files.createTempFile(directory, "sluice-rescue-", ".tmp");
      RandomAccessFile file;
      try {
        file = new RandomAccessFile(path.toFile(), "rw");
      } catch (IOException e) {
        Files.deleteIfExists(path);
        throw e;
      }
      try {
        Files.delete(path);
        return new Opened(file, Optional.empty());
      } catch (IOException e) {
        path.toFile().deleteOnExit();
        return new Opened(file, Optional.of(path));
      }
    }

    /** What fails here loses nothing: the pages are not needed any more. */
    @SuppressWarnings("EmptyCatch")
    void discard() {
      try {
        file.close();
        if (name.isPresent()) {
          Files.deleteIfExists(name.get());
        }
      } catch (IOException e) {
        // A name that is left is deleted at the end of the process.
      }
    }
  }

  /**
   * Keeps a page.
   *
   * @param page 512 to 65,536 bytes
   * @return its id, 1 or more; empty if there is no room, or pages of another size are kept
   * @throws IOException if the file cannot be made or written, as on a full disk, or this is
   *     closed; nothing has changed then
   */
  OptionalLong put(byte[] page) throws IOException {
    synchronized (lock) {
      requireOpen();
      if (page.length < PAGE_BYTES_MIN || page.length > PAGE_BYTES_MAX) {
        throw new IllegalArgumentException("a page of " + page.length + " bytes");
      }
      boolean isSizeKept = count == 0 || page.length == pageBytes;
      long slotBytes = slotBytes(page.length);
      if (!isSizeKept || (count + 1L) * slotBytes > bytesMax.get() || nextId > PageMap.OFFSET_MAX) {
        return OptionalLong.empty();
      }
      int slot = isTaken.nextClearBit(0);
      ByteBuffer bytes = ByteBuffer.allocate((int) slotBytes);
      bytes.put(page).putInt(checksum(nextId, page));
      if (opened.isEmpty()) {
        opened = Optional.of(Opened.in(directory));
      }
      RandomAccessFile file = opened.get().file();
      file.seek(slot * slotBytes);
      file.write(bytes.array());
      add(slot, page.length);
      return OptionalLong.of(nextId++);
    }
  }

  private void add(int slot, int bytes) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, count + (count >> 2) + 1);
      slots = Arrays.copyOf(slots, ids.length);
    }
    ids[count] = nextId;
    slots[count] = slot;
    isTaken.set(slot);
    pageBytes = bytes;
    count++;
    usedBytes = count * slotBytes(pageBytes);
  }

  /**
   * Returns a page.
   *
   * @throws IOException if no page is kept under the id, the file cannot be read, what it holds is
   *     not what was put, or this is closed
   */
  byte[] read(long id) throws IOException {
    synchronized (lock) {
      requireOpen();
      int i = Arrays.binarySearch(ids, 0, count, id);
      if (i < 0) {
        throw new IOException("no rescued page has the id " + id);
      }
      byte[] bytes = new byte[pageBytes + CHECKSUM_BYTES];
      RandomAccessFile file = opened.orElseThrow().file();
      file.seek((long) slots[i] * bytes.length);
      file.readFully(bytes);
      byte[] page = Arrays.copyOf(bytes, pageBytes);
      if (checksum(id, page) != ByteBuffer.wrap(bytes).getInt(pageBytes)) {
        throw new IOException("the rescued page of id " + id + " has another checksum");
      }
      return page;
    }
  }

  private static int checksum(long id, byte[] page) {
    CRC32C crc = new CRC32C();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, id));
    crc.update(page);
    return (int) crc.getValue();
  }

  private void requireOpen() throws IOException {
    if (isClosed) {
      throw new IOException("the file of rescued pages is closed");
    }
  }

  /**
   * Lets go of pages. Later ones take their slots; once none is left, the file goes.
   *
   * @param isUsed says of an id whether its page stays; asked under the lock, must not block
   */
  void retain(LongPredicate isUsed) {
    synchronized (lock) {
      int kept = 0;
      for (int i = 0; i < count; i++) {
        if (isUsed.test(ids[i])) {
          ids[kept] = ids[i];
          slots[kept] = slots[i];
          kept++;
        } else {
          isTaken.clear(slots[i]);
        }
      }
      count = kept;
      usedBytes = count * slotBytes(pageBytes);
      if (count == 0) {
        discard();
      }
    }
  }

  private void discard() {
    opened.ifPresent(Opened::discard);
    opened = Optional.empty();
    isTaken.clear();
    ids = new long[INITIAL_PAGES];
    slots = new int[INITIAL_PAGES];
    count = 0;
    usedBytes = 0;
  }

  /** Returns the bytes that pages and their checksums take. */
  long usedBytes() {
    return usedBytes;
  }

  /** Returns how many more bytes pages and their checksums may take. */
  long room() {
    return Math.max(0, bytesMax.get() - usedBytes);
  }

  /**
   * Allows more bytes; a smaller number than now changes nothing.
   *
   * @return whether more are allowed now
   */
  boolean raiseMaximum(long bytes) {
    return bytesMax.getAndAccumulate(bytes, Math::max) < bytes;
  }

  /** Returns how many pages are kept. */
  int count() {
    synchronized (lock) {
      return count;
    }
  }

  /** Lets go of all pages; idempotent. */
  @Override
  public void close() {
    synchronized (lock) {
      isClosed = true;
      discard();
    }
  }
}
