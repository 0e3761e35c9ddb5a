package dev.sluice.replicator.wal;

import java.util.Arrays;

/**
 * The newest frame of each page: pgno to the frame's number, 0 to 2147483647, in whatever holds
 * them. 11 to 22 bytes a page.
 *
 * <p>Open addressing with linear probing, at most three quarters full; an entry is one long.
 *
 * <pre>
 *   63     62                        31 30                    0
 *   +-----+----------------------------+-----------------------+
 *   |  0  | pgno, 32 bits, never 0     | ordinal, 31 bits      |   0 = an empty slot
 *   +-----+----------------------------+-----------------------+
 * </pre>
 *
 * <p>Grows with each new page; confined to one thread at a time.
 */
public final class PageTable {
  private static final int ORDINAL_BITS = 31;
  private static final int INITIAL_SLOTS = 64;
  private static final long HASH = 0x9E37_79B9_7F4A_7C15L;

  private long[] slots = new long[INITIAL_SLOTS];
  private int count;

  /** Takes a frame; it is newer than all that were taken before. */
  public void put(long pgno, int ordinal) {
    int slot = find(slots, pgno);
    if (slots[slot] == 0) {
      count++;
    }
    slots[slot] = (pgno << ORDINAL_BITS) | ordinal;
    if (count > slots.length / 4 * 3) {
      grow();
    }
  }

  private static int find(long[] slots, long pgno) {
    int mask = slots.length - 1;
    int slot = (int) ((pgno * HASH) >>> Integer.SIZE) & mask;
    while (slots[slot] != 0 && pgno(slots[slot]) != pgno) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] larger = new long[Math.multiplyExact(slots.length, 2)];
    for (long entry : slots) {
      if (entry != 0) {
        larger[find(larger, pgno(entry))] = entry;
      }
    }
    slots = larger;
  }

  /** Returns the newest frame of a page; -1 if there is none. */
  public int get(long pgno) {
    long entry = slots[find(slots, pgno)];
    return entry == 0 ? -1 : ordinal(entry);
  }

  /** Returns how many pages there are. */
  public int count() {
    return count;
  }

  /**
   * Returns the entries, ascending by pgno, in the table's own memory: the table is of no use then.
   */
  public long[] takeSorted() {
    int taken = 0;
    for (long entry : slots) {
      if (entry != 0) {
        slots[taken++] = entry;
      }
    }
    long[] entries = slots;
    Arrays.sort(entries, 0, taken);
    slots = new long[0];
    return entries;
  }

  /** Returns the page of an entry. */
  public static long pgno(long entry) {
    return entry >>> ORDINAL_BITS;
  }

  /** Returns the frame of an entry. */
  public static int ordinal(long entry) {
    return (int) entry & Integer.MAX_VALUE;
  }
}
