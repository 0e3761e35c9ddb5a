package dev.sluice.ltx;

import java.util.Arrays;

/**
 * The entries of a page index as their frames are met or written. Grows with each frame; confined
 * to one thread at a time. The pages ascend: whoever adds has checked it.
 */
final class PageIndexBuilder {
  private static final int CAPACITY_MIN = 16;

  private int[] pgnos;
  private long[] offsets;
  private int count;

  PageIndexBuilder(int capacity) {
    pgnos = new int[capacity];
    offsets = new long[capacity + 1];
    offsets[0] = LtxHeader.BYTES;
  }

  /** Adds the frame that starts where the last one ended. */
  void add(long pgno, int frameBytes) {
    if (count == pgnos.length) {
      int capacity = Math.max(CAPACITY_MIN, count + (count >> 1));
      pgnos = Arrays.copyOf(pgnos, capacity);
      offsets = Arrays.copyOf(offsets, capacity + 1);
    }
    pgnos[count] = (int) pgno;
    offsets[count + 1] = offsets[count] + frameBytes;
    count++;
  }

  /** Returns the last page's pgno, or 0 if there is none. */
  long lastPgno() {
    return count == 0 ? 0 : Integer.toUnsignedLong(pgnos[count - 1]);
  }

  /** Returns where the last frame ends. */
  long end() {
    return offsets[count];
  }

  PageIndex build() {
    boolean fits = count == pgnos.length;
    return new PageIndex(
        fits ? pgnos : Arrays.copyOf(pgnos, count),
        fits ? offsets : Arrays.copyOf(offsets, count + 1));
  }
}
