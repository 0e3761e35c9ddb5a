package dev.sluice.vfs;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Control memory written by the letter of its layout, with as many slots as a test wants. */
final class FakeControl implements AutoCloseable {
  final int slots;
  final ByteBuffer memory;
  final long address;

  FakeControl(int slots) {
    this.slots = slots;
    int bytes = 128 + 64 * slots + 192 * (slots + 2);
    address = Libsluice.sluice_memory_map(bytes);
    memory = new Pointer(address).getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
    memory.put(0, "SLUICEC1".getBytes(StandardCharsets.US_ASCII));
    memory.putInt(8, 1).putInt(16, slots).putInt(20, slots + 2).putLong(24, 1);
  }

  /** Writes the record of a ring entry that nobody pins. */
  void record(int entry, byte[] view) {
    memory.put(128 + 64 * slots + 192 * entry, view);
  }

  void publish(long txid, int entry, int pageSize) {
    memory.putInt(12, pageSize);
    WORDS.setVolatile(memory, 64, txid << 16 | entry);
    java.lang.invoke.VarHandle.fullFence();
  }

  long pinnedWord(int slot) {
    return (long) WORDS.getVolatile(memory, 128 + 64 * slot);
  }

  boolean isPinned(long word) {
    for (int slot = 0; slot < slots; slot++) {
      if (pinnedWord(slot) == word) {
        return true;
      }
    }
    return false;
  }

  /** Returns a ring entry that is neither the given one nor pinned, -1 if there is none. */
  int freeEntry(int published) {
    for (int entry = 0; entry < slots + 2; entry++) {
      boolean isFree = entry != published;
      for (int slot = 0; slot < slots && isFree; slot++) {
        long word = pinnedWord(slot);
        isFree = word == 0 || (word & 0xffff) != entry;
      }
      if (isFree) {
        return entry;
      }
    }
    return -1;
  }

  int claimedSlots() {
    int claimed = 0;
    for (int slot = 0; slot < slots; slot++) {
      claimed += memory.getInt(128 + 64 * slot + 8);
    }
    return claimed;
  }

  private static final java.lang.invoke.VarHandle WORDS =
      java.lang.invoke.MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  @Override
  public void close() {
    Libsluice.sluice_memory_unmap(address);
  }
}
