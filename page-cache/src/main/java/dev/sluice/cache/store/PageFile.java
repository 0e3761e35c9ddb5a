package dev.sluice.cache.store;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * The file of the pages, written and read at positions.
 *
 * <p>Several open files of it, because each {@link RandomAccessFile} has one position: a channel
 * has none, but an interrupt closes it, and callers' threads write here. Thread-safe; a lock of an
 * open file is held during its I/O.
 */
final class PageFile implements AutoCloseable {
  private static final int OPEN_FILES = 4;

  private final RandomAccessFile[] files = new RandomAccessFile[OPEN_FILES];

  PageFile(Path path) throws IOException {
    for (int i = 0; i < OPEN_FILES; i++) {
      files[i] = new RandomAccessFile(path.toFile(), "rw");
    }
  }

  private RandomAccessFile file(long position) {
    return files[(int) (position / Layout.EXTENT_BYTES) & (OPEN_FILES - 1)];
  }

  void write(long position, byte[] src, int offset, int length) throws IOException {
    RandomAccessFile file = file(position);
    synchronized (file) {
      file.seek(position);
      file.write(src, offset, length);
    }
  }

  void read(long position, byte[] dst, int offset, int length) throws IOException {
    RandomAccessFile file = file(position);
    synchronized (file) {
      file.seek(position);
      try {
        file.readFully(dst, offset, length);
      } catch (EOFException e) {
        throw new IOException("the file ends before " + (position + length), e);
      }
    }
  }

  /** Makes the file as long at least; what is added is a hole. */
  void growTo(long bytes) throws IOException {
    synchronized (files[0]) {
      if (files[0].length() < bytes) {
        files[0].setLength(bytes);
      }
    }
  }

  long length() throws IOException {
    synchronized (files[0]) {
      return files[0].length();
    }
  }

  void sync() throws IOException {
    files[0].getFD().sync();
  }

  @Override
  public void close() throws IOException {
    for (RandomAccessFile file : files) {
      synchronized (file) {
        file.close();
      }
    }
  }
}
