package dev.sluice.cache;

import dev.sluice.cache.store.StoreReaders;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;

/** Stands in for readers in C: nobody reads, and what is punched is written over with zeros. */
final class ZeroingReaders implements StoreReaders {
  private static final byte[] ZEROS = new byte[4096];

  private Optional<RandomAccessFile> pages = Optional.empty();

  @Override
  public long address() {
    return 0;
  }

  @Override
  public void attach(Path file, Path tags, int pageSize) throws IOException {
    close();
    pages = Optional.of(new RandomAccessFile(file.toFile(), "rw"));
  }

  @Override
  public void grow(int chunks) {}

  @Override
  public void disable() {}

  @Override
  public boolean punch(long offset, long bytes) {
    try {
      RandomAccessFile file = pages.orElseThrow();
      file.seek(offset);
      file.write(ZEROS, 0, (int) Math.min(bytes, ZEROS.length));
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean takeMark(long extent) {
    return false;
  }

  @Override
  public MemoryFile memoryFile() throws IOException {
    return StoreReaders.NONE.memoryFile();
  }

  @Override
  public void close() {
    if (pages.isPresent()) {
      try {
        pages.get().close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
