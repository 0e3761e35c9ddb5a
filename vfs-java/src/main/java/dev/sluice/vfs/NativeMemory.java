package dev.sluice.vfs;

import com.sun.jna.Pointer;
import dev.sluice.cache.SharedMemory;
import dev.sluice.cache.StoreOptions;
import dev.sluice.cache.store.StoreReaders;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory mapped by libsluice, which keeps it until the last open file has let go of it too.
 * Thread-safe.
 */
final class NativeMemory implements SharedMemory, AutoCloseable {
  private final Object lock = new Object();

  /** Guarded by the lock, as what follows. */
  private final List<Runnable> kept = new ArrayList<>();

  private boolean isKeeping;

  @Override
  public ByteBuffer map(int bytes) {
    long address = Libsluice.sluice_memory_map(bytes);
    if (address == 0) {
      throw new OutOfMemoryError("cannot map " + bytes + " bytes of native memory");
    }
    return new Pointer(address).getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public StoreReaders storeReaders(StoreOptions.Reading reading) {
    return new NativeStore(reading, this::release);
  }

  @Override
  public void release(ByteBuffer memory) {
    long address = Upcalls.address(memory);
    release(() -> Libsluice.sluice_memory_unmap(address));
  }

  private void release(Runnable unmap) {
    synchronized (lock) {
      if (isKeeping) {
        kept.add(unmap);
        return;
      }
    }
    unmap.run();
  }

  /** From now on what is released stays mapped until {@link #close}: calls under way may use it. */
  void keepReleased() {
    synchronized (lock) {
      isKeeping = true;
    }
  }

  /** Unmaps what was kept. */
  @Override
  public void close() {
    List<Runnable> all;
    synchronized (lock) {
      isKeeping = false;
      all = List.copyOf(kept);
      kept.clear();
    }
    all.forEach(Runnable::run);
  }
}
