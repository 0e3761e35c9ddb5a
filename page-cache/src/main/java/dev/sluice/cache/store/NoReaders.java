package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.Path;

/** See {@link StoreReaders#NONE}. */
class NoReaders implements StoreReaders {
  @Override
  public long address() {
    return 0;
  }

  @Override
  public void attach(Path pages, Path tags, int pageSize) {}

  @Override
  public void grow(int chunks) throws IOException {}

  @Override
  public void disable() {}

  @Override
  public boolean punch(long offset, long bytes) {
    return false;
  }

  @Override
  public boolean takeMark(long extent) {
    return false;
  }

  @Override
  public MemoryFile memoryFile() throws IOException {
    throw new IOException("there are no files in memory here");
  }

  @Override
  public void close() {}
}
