package dev.sluice.vfs;

import com.sun.jna.Pointer;
import dev.sluice.cache.SharedMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory mapped by libsluice, which keeps it until the last open file has let go of it too.
 * Thread-safe.
 */
final class NativeMemory implements SharedMemory {

  @Override
  public ByteBuffer map(int bytes) {
    long address = Libsluice.sluice_memory_map(bytes);
    if (address == 0) {
      throw new OutOfMemoryError("cannot map " + bytes + " bytes of native memory");
    }
    return new Pointer(address).getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public void release(ByteBuffer memory) {
    Libsluice.sluice_memory_unmap(Upcalls.address(memory));
  }
}
