package dev.sluice.cache;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory that shows whether somebody wrote to it after it was taken back, where production would
 * crash. Thread-safe: the list is under this object's private lock.
 */
final class PoisoningMemory implements SharedMemory {
  private static final byte POISON = 0x5a;

  private final Object lock = new Object();
  private final List<ByteBuffer> released = new ArrayList<>();

  @Override
  public ByteBuffer map(int bytes) {
    return ByteBuffer.allocateDirect(bytes + 64).alignedSlice(64).slice(0, bytes);
  }

  @Override
  public void release(ByteBuffer memory) {
    for (int i = 0; i < memory.capacity(); i++) {
      memory.put(i, POISON);
    }
    synchronized (lock) {
      released.add(memory);
    }
  }

  /** Returns how often memory was taken back. */
  int releases() {
    synchronized (lock) {
      return released.size();
    }
  }

  void requireUntouched() {
    synchronized (lock) {
      for (ByteBuffer memory : released) {
        for (int i = 0; i < memory.capacity(); i++) {
          if (memory.get(i) != POISON) {
            throw new AssertionError("byte " + i + " was written after the release");
          }
        }
      }
    }
  }
}
