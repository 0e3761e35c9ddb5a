package dev.sluice.cache;

import java.util.Arrays;

/**
 * The codec of a leaf of a {@link PageTree}: the frames of 128 neighbouring pages. A leaf is a bare
 * {@code long[]}, immutable once built.
 *
 * <p>Nearly all of it is the offsets and sizes of frames, 57 bits a page, so a page's source is a
 * number in a dictionary of the leaf: neighbouring pages come from few files. Every entry of the
 * dictionary is used by a page of the leaf, so that what a leaf refers to is known without its
 * pages; the last word is filled up with the first entry.
 */
final class Leaf {
  //  long[128 + n]
  //
  //   63                 24 23         7 6       0
  //  +---------------------+------------+---------+
  //  | offset of the frame | frame size | local   |   x 128, page (leaf << 7 | i) at i; 0 = none
  //  +---------------------+------------+---------+
  //  | source 3 | source 2 | source 1   | source 0 |   x n: the dictionary, 16 bits an entry
  //  +----------+----------+------------+----------+
  //
  //  `local` counts in the dictionary.
  static final int BITS = 7;
  static final int PAGES = 1 << BITS;
  static final int SOURCES_MAX = 1 << 16;

  /** The greatest offset of a frame. */
  static final long OFFSET_MAX = (1L << 40) - 1;

  /** The leaf without pages. */
  static final long[] NONE = new long[PAGES];

  private static final int SIZE_BITS = 17;

  private Leaf() {}

  /** Returns the word of a page, or 0 if the leaf does not have it. */
  static long word(long[] leaf, long pgno) {
    return leaf[(int) pgno & (PAGES - 1)];
  }

  static long offset(long word) {
    return word >>> (SIZE_BITS + BITS);
  }

  static int frameBytes(long word) {
    return (int) (word >>> BITS) & ((1 << SIZE_BITS) - 1);
  }

  /** Returns the source of a page, given its word. */
  static int source(long[] leaf, long word) {
    return entry(leaf, (int) word & (PAGES - 1));
  }

  private static int entry(long[] leaf, int local) {
    return (int) (leaf[PAGES + (local >>> 2)] >>> ((local & 3) << 4)) & 0xffff;
  }

  private static int entryCount(long[] leaf) {
    return (leaf.length - PAGES) << 2;
  }

  /** Sets the flag of each source that a page of the leaf has. */
  static void markSources(long[] leaf, boolean[] isUsed) {
    for (int local = 0; local < entryCount(leaf); local++) {
      isUsed[entry(leaf, local)] = true;
    }
  }

  /** Returns whether a page of the leaf has a source of which the flag is set. */
  static boolean hasSource(long[] leaf, boolean[] isWanted) {
    for (int local = 0; local < entryCount(leaf); local++) {
      if (isWanted[entry(leaf, local)]) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the leaf with other numbers for its sources; the leaf itself if its own do not change.
   *
   * @param numbers the new number of each source
   */
  static long[] renumbered(long[] leaf, int[] numbers) {
    long[] result = leaf;
    for (int local = 0; local < entryCount(leaf); local++) {
      int source = entry(leaf, local);
      if (numbers[source] != source) {
        result = result == leaf ? leaf.clone() : result;
        result[PAGES + (local >>> 2)] ^= (long) (source ^ numbers[source]) << ((local & 3) << 4);
      }
    }
    return result;
  }

  /** Returns the leaf without its pages from a place on; the leaf itself if it has none there. */
  static long[] trimmed(long[] leaf, int from) {
    for (int i = from; i < PAGES; i++) {
      if (leaf[i] != 0) {
        Builder builder = new Builder();
        builder.read(leaf);
        Arrays.fill(builder.words, from, PAGES, 0);
        return builder.build();
      }
    }
    return leaf;
  }

  /** A leaf taken apart. Confined to one thread. */
  static final class Builder {
    private final long[] words = new long[PAGES];
    private final int[] sources = new int[PAGES];
    private final int[] dictionary = new int[PAGES];

    void read(long[] leaf) {
      for (int i = 0; i < PAGES; i++) {
        words[i] = leaf[i];
        sources[i] = leaf[i] == 0 ? 0 : source(leaf, leaf[i]);
      }
    }

    /** Puts a page at a place, 0 to 127. */
    void set(int i, long offset, int frameBytes, int source) {
      if (offset < 0 || offset > OFFSET_MAX || frameBytes >= 1 << SIZE_BITS || frameBytes < 1) {
        throw new IllegalArgumentException("a frame of " + frameBytes + " bytes at " + offset);
      }
      words[i] = (offset << (SIZE_BITS + BITS)) | ((long) frameBytes << BITS);
      sources[i] = source;
    }

    /** Returns the leaf, whose dictionary has only what is used. */
    long[] build() {
      int count = 0;
      int local = 0;
      long[] packed = new long[PAGES + PAGES / 4];
      for (int i = 0; i < PAGES; i++) {
        if (words[i] == 0) {
          continue;
        }
        if (count == 0 || dictionary[local] != sources[i]) {
          local = localOf(sources[i], count);
          if (local == count) {
            dictionary[count] = sources[i];
            putEntry(packed, count);
            count++;
          }
        }
        packed[i] = (words[i] & -PAGES) | local;
      }
      for (; (count & 3) != 0; count++) {
        dictionary[count] = dictionary[0];
        putEntry(packed, count);
      }
      return Arrays.copyOf(packed, PAGES + (count >>> 2));
    }

    private void putEntry(long[] packed, int local) {
      packed[PAGES + (local >>> 2)] |= (long) dictionary[local] << ((local & 3) << 4);
    }

    private int localOf(int source, int count) {
      for (int local = 0; local < count; local++) {
        if (dictionary[local] == source) {
          return local;
        }
      }
      return count;
    }
  }
}
