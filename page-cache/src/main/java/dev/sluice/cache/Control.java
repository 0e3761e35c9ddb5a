package dev.sluice.cache;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What this process shows of a replica to its readers in C: the latest view, and the slots in which
 * readers hold the view they read.
 *
 * <p>A slot is a hazard pointer. A reader stores the publish word in its slot and reads the publish
 * word again; the writer stores a new publish word, fences, and then reads the slots. So either the
 * writer sees the slot, or the reader sees the new word: a record that a reader has pinned is never
 * written to. There are two records more than slots, so that one is always free.
 *
 * <p>In native byte order, S slots and R = S + 2 records:
 *
 * <pre>
 *   0          8         12          16        20          24      32      64             72    128
 *  +----------+---------+-----------+---------+-----------+-------+-------+--------------+-----+
 *  | SLUICEC1 | version | page size | slots S | records R | epoch | zeros | publish word |  0  |
 *  +----------+---------+-----------+---------+-----------+-------+-------+--------------+-----+
 *
 *   slot i at 128 + 64 i
 *   0             8       12     64
 *  +-------------+-------+--------+
 *  | pinned word | owner | zeros  |
 *  +-------------+-------+--------+
 *
 *   view record j at 128 + 64 S + 192 j
 *   0      8        12          16      24     32              132   192
 *  +------+--------+-----------+-------+------+---------------+-----+
 *  | TXID | commit | page size | epoch | time | page 1 header |  0  |
 *  +------+--------+-----------+-------+------+---------------+-----+
 *
 *   word, of the latest view and of a slot: 0 = none
 *   63              16 15              0
 *  +------------------+-----------------+
 *  | TXID             | view record     |
 *  +------------------+-----------------+
 * </pre>
 *
 * <p>Only Java writes here, except the slots. Thread-safe: the memory is touched under this
 * object's private lock alone, and after {@link #close} no more, because it is unmapped then.
 */
public final class Control {
  private static final byte[] MAGIC = "SLUICEC1".getBytes(StandardCharsets.US_ASCII);
  private static final int LAYOUT_VERSION = 1;
  private static final int AT_VERSION = 8;
  private static final int AT_PAGE_SIZE = 12;
  private static final int AT_SLOT_COUNT = 16;
  private static final int AT_RECORD_COUNT = 20;
  private static final int AT_EPOCH = 24;
  private static final int AT_PUBLISH = 64;
  private static final int AT_SLOTS = 128;
  private static final int SLOT_BYTES = 64;
  private static final int RECORD_BYTES = 192;
  private static final int RECORD_AT_COMMIT = 8;
  private static final int RECORD_AT_PAGE_SIZE = 12;
  private static final int RECORD_AT_EPOCH = 16;
  private static final int RECORD_AT_TIME = 24;
  private static final int RECORD_AT_HEADER = 32;
  private static final int RECORD_BITS = 16;
  private static final long RECORD_MASK = (1L << RECORD_BITS) - 1;
  private static final long FIRST_EPOCH = 1;

  /** How many readers in C can hold a view at the same time; more of them pin through Java. */
  public static final int SLOTS = 1022;

  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  /** Above this a TXID does not fit into the publish word. */
  static final long TXID_MAX = (1L << (Long.SIZE - RECORD_BITS)) - 1;

  private final Object lock = new Object();
  private final ByteBuffer memory;
  private final int slots;
  private final AtomicReferenceArray<@Nullable View> views;
  private final boolean[] isPinned;
  private volatile boolean isClosed;

  /** Lays a control out in memory of {@link #bytes} zero bytes. */
  Control(ByteBuffer memory) {
    this(memory, SLOTS);
  }

  Control(ByteBuffer memory, int slots) {
    if (memory.capacity() < bytes(slots) || slots + 2 > RECORD_MASK) {
      throw new IllegalArgumentException(
          "a control of " + memory.capacity() + " bytes for " + slots + " slots");
    }
    this.memory = memory.duplicate().order(ByteOrder.nativeOrder());
    this.slots = slots;
    this.views = new AtomicReferenceArray<>(slots + 2);
    this.isPinned = new boolean[slots + 2];
    this.memory.put(0, MAGIC);
    this.memory.putInt(AT_VERSION, LAYOUT_VERSION);
    this.memory.putInt(AT_SLOT_COUNT, slots);
    this.memory.putInt(AT_RECORD_COUNT, slots + 2);
    this.memory.putLong(AT_EPOCH, FIRST_EPOCH);
  }

  /** Returns how many bytes a control takes. */
  static int bytes() {
    return bytes(SLOTS);
  }

  static int bytes(int slots) {
    return AT_SLOTS + SLOT_BYTES * slots + RECORD_BYTES * (slots + 2);
  }

  /**
   * Returns the memory of this control, whole and read-only: for its address. Whoever looks into it
   * holds the replica meanwhile, because the memory is unmapped when the last one lets go.
   *
   * @throws IllegalStateException if the replica was closed
   */
  public ByteBuffer memory() {
    requireOpen();
    return memory.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * Makes a view the latest: transactions that begin from now on read it. A view whose TXID does
   * not fit into the publish word is not shown: readers in C then pin through Java.
   *
   * @return false if the replica was closed: then nothing is touched
   */
  boolean publish(View view) {
    synchronized (lock) {
      if (isClosed) {
        return false;
      }
      if (Long.compareUnsigned(view.txid().value(), TXID_MAX) > 0) {
        LONG.setVolatile(memory, AT_PUBLISH, 0L);
        return true;
      }
      int record = freeRecord();
      views.set(record, view);
      write(view, record);
      memory.putInt(AT_PAGE_SIZE, view.pageSize());
      LONG.setVolatile(memory, AT_PUBLISH, (view.txid().value() << RECORD_BITS) | record);
      VarHandle.fullFence();
      forgetUnpinned();
      return true;
    }
  }

  /** Shows no view any more: readers in C then pin through Java, and are told there why. */
  void withdraw() {
    synchronized (lock) {
      if (!isClosed) {
        LONG.setVolatile(memory, AT_PUBLISH, 0L);
        VarHandle.fullFence();
        forgetUnpinned();
      }
    }
  }

  /** Returns the views that readers in C have pinned, and the latest. */
  List<View> pinned() {
    synchronized (lock) {
      if (isClosed) {
        return List.of();
      }
      scanPins();
      List<View> pinned = new ArrayList<>();
      for (int record = 0; record < isPinned.length; record++) {
        View view = isPinned[record] ? views.get(record) : null;
        if (view != null) {
          pinned.add(view);
        }
      }
      return pinned;
    }
  }

  /**
   * Returns the view of a word, which the caller has pinned.
   *
   * <p>Without the lock, because every miss asks: the view is stored before the word that names it
   * is published, and neither replaced nor forgotten while a slot or the publish word names its
   * record. Of a word that nobody pins it is that view or none, as long as TXIDs are not published
   * twice.
   *
   * @throws IllegalStateException if the replica was closed
   */
  public Optional<View> view(long word) {
    requireOpen();
    int record = (int) (word & RECORD_MASK);
    if (word == 0 || record >= views.length()) {
      return Optional.empty();
    }
    View view = views.get(record);
    return view != null && view.txid().value() == word >>> RECORD_BITS
        ? Optional.of(view)
        : Optional.empty();
  }

  /** Returns the word of the latest view; 0 if none is shown. */
  long publishWord() {
    synchronized (lock) {
      requireOpen();
      return (long) LONG.getVolatile(memory, AT_PUBLISH);
    }
  }

  /** When it returns nothing here touches the memory any more. Idempotent. */
  void close() {
    synchronized (lock) {
      isClosed = true;
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the replica of this control was closed");
    }
  }

  /**
   * A record is free if neither the publish word nor a slot names it: at most S + 1 of the S + 2
   * are named.
   */
  private int freeRecord() {
    scanPins();
    for (int record = 0; record < isPinned.length; record++) {
      if (!isPinned[record]) {
        return record;
      }
    }
    throw new IllegalStateException("no free view record among " + isPinned.length);
  }

  /** Lets go of the page maps that nobody reads any more. */
  private void forgetUnpinned() {
    scanPins();
    for (int record = 0; record < isPinned.length; record++) {
      if (!isPinned[record]) {
        views.set(record, null);
      }
    }
  }

  private void scanPins() {
    Arrays.fill(isPinned, false);
    pin((long) LONG.getVolatile(memory, AT_PUBLISH));
    for (int slot = 0; slot < slots; slot++) {
      pin((long) LONG.getVolatile(memory, AT_SLOTS + slot * SLOT_BYTES));
    }
  }

  private void pin(long word) {
    int record = (int) (word & RECORD_MASK);
    if (word != 0 && record < isPinned.length) {
      isPinned[record] = true;
    }
  }

  private void write(View view, int record) {
    int at = AT_SLOTS + slots * SLOT_BYTES + record * RECORD_BYTES;
    memory.putLong(at, view.txid().value());
    memory.putInt(at + RECORD_AT_COMMIT, (int) view.commit());
    memory.putInt(at + RECORD_AT_PAGE_SIZE, view.pageSize());
    memory.putLong(at + RECORD_AT_EPOCH, FIRST_EPOCH);
    memory.putLong(at + RECORD_AT_TIME, view.time().toEpochMilli());
    memory.put(at + RECORD_AT_HEADER, view.pageOneHeader());
  }
}
