package dev.sluice.cache;

import dev.sluice.cache.store.StoreReaders;
import java.nio.ByteBuffer;

/**
 * Lends memory that C reads and Java writes. Not for page bytes of this module's own cache.
 * Thread-safe.
 */
public interface SharedMemory {

  /**
   * Returns {@code bytes} zero bytes that stay at one address until {@link #release}; aligned to 64
   * bytes.
   *
   * @throws OutOfMemoryError if there are none
   */
  ByteBuffer map(int bytes);

  /** Returns readers in C for one page store, who read its pages so. */
  default StoreReaders storeReaders(StoreOptions.Reading reading) {
    return StoreReaders.NONE;
  }

  /**
   * Takes back what {@link #map} lent; nobody in Java touches it any more. Whoever maps it in C may
   * go on reading.
   */
  void release(ByteBuffer memory);
}
