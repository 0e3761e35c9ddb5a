package dev.sluice.cache.restore;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A database file that several threads write to at once, each to a place of its own.
 *
 * <p>{@link RandomAccessFile}, because an interrupt closes the channel that it meets, and restores
 * are interrupted; and one for each thread that writes, because it has a position. Thread-safe.
 */
final class DatabaseFile implements Closeable {
  private final Path path;
  private final ConcurrentLinkedQueue<RandomAccessFile> free = new ConcurrentLinkedQueue<>();
  private final List<RandomAccessFile> opened = new ArrayList<>();

  DatabaseFile(Path path) throws IOException {
    this.path = path;
    free.add(open());
  }

  private RandomAccessFile open() throws IOException {
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
    synchronized (opened) {
      opened.add(file);
    }
    return file;
  }

  private RandomAccessFile take() throws IOException {
    RandomAccessFile one = free.poll();
    return one == null ? open() : one;
  }

  /** Writes a part of an array at a place of the file. */
  void write(long at, byte[] bytes, int offset, int length) throws IOException {
    RandomAccessFile file = take();
    file.seek(at);
    file.write(bytes, offset, length);
    free.add(file);
  }

  /** Makes the file exactly so long; what is added reads as zeros. */
  void setLength(long bytes) throws IOException {
    RandomAccessFile file = take();
    file.setLength(bytes);
    free.add(file);
  }

  /** Has the disk take what was written. */
  void sync() throws IOException {
    RandomAccessFile file = take();
    file.getFD().sync();
    free.add(file);
  }

  @Override
  public void close() throws IOException {
    synchronized (opened) {
      for (RandomAccessFile file : opened) {
        file.close();
      }
    }
  }
}
