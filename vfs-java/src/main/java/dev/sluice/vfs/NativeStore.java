package dev.sluice.vfs;

import dev.sluice.cache.StoreOptions;
import dev.sluice.cache.store.StoreReaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * One page store as libsluice reads it: from the first connection that is told its address until
 * the last of them is closed, however early Java lets go. Thread-safe.
 */
final class NativeStore implements StoreReaders {
  private final long address;
  private final Consumer<Runnable> release;
  private boolean isClosed;

  /**
   * Makes a store with no files yet.
   *
   * @param reading how its pages are read
   * @param release runs what gives the memory back, when no call of C can need it
   */
  NativeStore(StoreOptions.Reading reading, Consumer<Runnable> release) {
    this.release = release;
    address = Libsluice.sluice_store_new(code(reading));
    if (address == 0) {
      throw new OutOfMemoryError("no native memory for a page store");
    }
  }

  private static int code(StoreOptions.Reading reading) {
    return switch (reading) {
      case MMAP -> Libsluice.STORE_MMAP;
      case PREAD -> Libsluice.STORE_PREAD;
    };
  }

  @Override
  public long address() {
    return address;
  }

  @Override
  public synchronized void attach(Path pages, Path tags, int pageSize) throws IOException {
    require(
        isClosed ? -1 : Libsluice.sluice_store_attach(address, text(pages), text(tags), pageSize),
        "open " + pages);
  }

  private static byte[] text(Path path) {
    byte[] text = path.toString().getBytes(StandardCharsets.UTF_8);
    return Arrays.copyOf(text, text.length + 1);
  }

  @Override
  public synchronized void grow(int chunks) throws IOException {
    require(isClosed ? -1 : Libsluice.sluice_store_grow(address, chunks), "map a page store");
  }

  private static void require(int code, String what) throws IOException {
    if (code != ResultCodes.OK) {
      throw new IOException(what + ": code " + code);
    }
  }

  @Override
  public synchronized void disable() {
    if (!isClosed) {
      Libsluice.sluice_store_disable(address);
    }
  }

  @Override
  public synchronized boolean punch(long offset, long bytes) {
    return !isClosed && Libsluice.sluice_store_punch(address, offset, bytes) == 0;
  }

  @Override
  public synchronized boolean takeMark(long extent) {
    return !isClosed && Libsluice.sluice_store_take_mark(address, extent) != 0;
  }

  @Override
  public MemoryFile memoryFile() throws IOException {
    int fd = Libsluice.sluice_store_memory_file();
    if (fd < 0) {
      throw new IOException("there are no files in memory here");
    }
    return new MemoryFile(
        Path.of("/proc/self/fd/" + fd), () -> Libsluice.sluice_store_memory_file_close(fd));
  }

  @Override
  public synchronized void close() {
    if (!isClosed) {
      isClosed = true;
      release.accept(() -> Libsluice.sluice_store_free(address));
    }
  }
}
