package dev.sluice.vfs;

import dev.sluice.cache.store.StoreReaders;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** The readers of a store, and how often they were asked to punch a hole. Thread-safe. */
final class CountingReaders implements StoreReaders {
  private final StoreReaders readers;
  private final AtomicLong punched = new AtomicLong();

  CountingReaders(StoreReaders readers) {
    this.readers = readers;
  }

  long punched() {
    return punched.get();
  }

  @Override
  public long address() {
    return readers.address();
  }

  @Override
  public void attach(Path pages, Path tags, int pageSize) throws IOException {
    readers.attach(pages, tags, pageSize);
  }

  @Override
  public void grow(int chunks) throws IOException {
    readers.grow(chunks);
  }

  @Override
  public void disable() {
    readers.disable();
  }

  @Override
  public boolean punch(long offset, long bytes) {
    punched.incrementAndGet();
    return readers.punch(offset, bytes);
  }

  @Override
  public boolean takeMark(long extent) {
    return readers.takeMark(extent);
  }

  @Override
  public MemoryFile memoryFile() throws IOException {
    return readers.memoryFile();
  }

  @Override
  public void close() {
    readers.close();
  }
}
