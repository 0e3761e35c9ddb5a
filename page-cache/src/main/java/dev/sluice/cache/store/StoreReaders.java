package dev.sluice.cache.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The readers in C of one page store, who open its files for themselves, and what the JDK cannot do
 * with a file. Not for reading or writing pages: Java does that by the file. Thread-safe.
 */
public interface StoreReaders extends AutoCloseable {

  /** Nobody: pages are read through Java alone, and no place is given back to the disk. */
  StoreReaders NONE = new NoReaders();

  /** Returns what names these readers to C; 0 if there are none. */
  long address();

  /**
   * Opens the files, once.
   *
   * @throws IOException if they cannot be opened
   */
  void attach(Path pages, Path tags, int pageSize) throws IOException;

  /**
   * Lets readers use the first chunks, for which both files are long enough.
   *
   * @throws IOException if not all of them can be mapped; those before may be used
   */
  void grow(int chunks) throws IOException;

  /** From now on readers find no page here. Idempotent. */
  void disable();

  /**
   * Gives the disk back what a range of the pages took; it reads as zeros then.
   *
   * @return false if that cannot be done here
   */
  boolean punch(long offset, long bytes);

  /** Returns whether an extent was read from since this was last asked. */
  boolean takeMark(long extent);

  /**
   * Returns a new file that lies in memory alone.
   *
   * @throws IOException if there is no such thing here
   */
  MemoryFile memoryFile() throws IOException;

  /**
   * A file without a name.
   *
   * @param path by which it can be opened until the handle is closed
   */
  record MemoryFile(Path path, Closeable handle) implements Closeable {
    @Override
    public void close() throws IOException {
      handle.close();
    }
  }

  /** Lets go; who still reads may go on. Idempotent. */
  @Override
  void close();
}
