package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ControlTest {
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private static View view(long txid, int commit) {
    byte[] page = new byte[512];
    for (int i = 0; i < page.length; i++) {
      page[i] = (byte) i;
    }
    LtxHeader header = TestReplicas.header(512, commit, txid, txid);
    return new View(header, PageMap.EMPTY, Instant.ofEpochMilli(1_790_000_000_123L), page);
  }

  private static ByteBuffer memory(int slots) {
    return TestReplicas.MEMORY.map(Control.bytes(slots));
  }

  @Test
  void theLayoutIsTheOneThatReadersInCKnow() {
    ByteBuffer memory = TestReplicas.MEMORY.map(Control.bytes());
    Control control = new Control(memory);
    control.publish(view(0x1_0000_0007L, 9));
    assertEquals(128 + 64 * 1022 + 192 * 1024, Control.bytes());
    ByteBuffer expected = ByteBuffer.allocate(Control.bytes()).order(ByteOrder.nativeOrder());
    expected.put(0, "SLUICEC1".getBytes(StandardCharsets.US_ASCII));
    expected.putInt(8, 1).putInt(12, 512).putInt(16, 1022).putInt(20, 1024).putLong(24, 1);
    expected.putLong(64, 0x1_0000_0007L << 16);
    int record = 128 + 64 * 1022;
    expected.putLong(record, 0x1_0000_0007L).putInt(record + 8, 9).putInt(record + 12, 512);
    expected.putLong(record + 16, 1).putLong(record + 24, 1_790_000_000_123L);
    byte[] header = new byte[100];
    for (int i = 0; i < header.length; i++) {
      header[i] = (byte) i;
    }
    header[18] = 1;
    header[19] = 1;
    ByteBuffer.wrap(header).putInt(24, 7 ^ 0x9E3779B1).putInt(28, 9).putInt(92, 7 ^ 0x9E3779B1);
    expected.put(record + 32, header);
    byte[] found = new byte[Control.bytes()];
    memory.get(0, found);
    assertArrayEquals(expected.array(), found);
  }

  @Test
  void aPinnedRecordStaysAndAFreeOneIsAlwaysThere() {
    int slots = 6;
    ByteBuffer memory = memory(slots);
    Control control = new Control(memory, slots);
    List<View> pinned = new ArrayList<>();
    for (int slot = 0; slot < slots; slot++) {
      View view = view(100 + slot, 1);
      control.publish(view);
      LONG.setVolatile(memory, 128 + 64 * slot, control.publishWord());
      pinned.add(view);
    }
    for (int i = 0; i < 50; i++) {
      control.publish(view(1000 + i, 2));
    }
    for (int slot = 0; slot < slots; slot++) {
      long word = (long) LONG.getVolatile(memory, 128 + 64 * slot);
      assertSame(pinned.get(slot), control.view(word).orElseThrow());
    }
    LONG.setVolatile(memory, 128, 0L);
    long first = 100L << 16;
    control.publish(view(2000, 2));
    control.publish(view(2001, 2));
    assertEquals(Optional.empty(), control.view(first));
  }

  @Test
  void aTxidBeyondTheWordIsNotShown() {
    Control control = new Control(memory(4), 4);
    control.publish(view(5, 1));
    control.publish(view(1L << 48, 1));
    assertEquals(0, control.publishWord());
    assertEquals(Optional.empty(), control.view(0));
  }

  /**
   * Readers do as C does: a record's commit is made from its TXID, so a record that changes while
   * pinned is seen, and so is a view that is forgotten. Without the second look at the publish word
   * it fails, because a reader may be stopped between the first look and its slot.
   *
   * <p>Without the writer's fence alone it cannot fail: the publish word is stored and the slots
   * are loaded as volatile, which Java keeps in one order, on x86 by the same instruction. The
   * fence says what C relies on.
   */
  @Test
  void aRecordThatAReaderPinnedNeverChanges() throws Exception {
    int slots = 3;
    int publishes = 300_000;
    ByteBuffer memory = memory(slots);
    Control control = new Control(memory, slots);
    control.publish(view(1, 1));
    ExecutorService readers = Executors.newFixedThreadPool(slots);
    CountDownLatch done = new CountDownLatch(1);
    try {
      List<Future<Long>> pins = new ArrayList<>();
      for (int slot = 0; slot < slots; slot++) {
        int at = 128 + 64 * slot;
        pins.add(readers.submit(() -> readUntil(done, control, memory, at)));
      }
      for (int txid = 2; txid < publishes; txid++) {
        control.publish(view(txid, txid));
      }
      done.countDown();
      for (Future<Long> count : pins) {
        assertTrue(count.get() > 0);
      }
    } finally {
      done.countDown();
      readers.shutdownNow();
    }
  }

  private static long readUntil(
      CountDownLatch done, Control control, ByteBuffer shared, int slotAt) {
    ByteBuffer memory = shared.duplicate().order(ByteOrder.nativeOrder());
    int records = 128 + 64 * memory.getInt(16);
    Random random = new Random(slotAt);
    long pins = 0;
    while (done.getCount() > 0) {
      long word = (long) LONG.getVolatile(memory, 64);
      for (int i = random.nextInt(300); i > 200; i--) {
        Thread.onSpinWait();
      }
      while (true) {
        LONG.setVolatile(memory, slotAt, word);
        long again = (long) LONG.getVolatile(memory, 64);
        if (again == word) {
          break;
        }
        word = again;
      }
      int record = records + 192 * (int) (word & 0xffff);
      for (int look = 0; look < 5; look++) {
        requireRecord(memory, record, word);
        requireView(control, word);
      }
      LONG.setRelease(memory, slotAt, 0L);
      pins++;
    }
    return pins;
  }

  private static void requireRecord(ByteBuffer memory, int record, long word) {
    byte[] header = new byte[100];
    memory.get(record + 32, header);
    long txid = memory.getLong(record);
    if (txid != word >>> 16
        || memory.getInt(record + 8) != (int) txid
        || ByteBuffer.wrap(header).getInt(28) != (int) txid) {
      throw new AssertionError(
          "pinned " + Long.toHexString(word) + ", found " + txid + " " + Arrays.toString(header));
    }
  }

  private static void requireView(Control control, long word) {
    long txid = control.view(word).map(view -> view.txid().value()).orElse(0L);
    if (txid != word >>> 16) {
      throw new AssertionError("pinned " + Long.toHexString(word) + ", its view is " + txid);
    }
  }
}
