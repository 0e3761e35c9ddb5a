package dev.sluice.cache.restore;

import java.util.Arrays;

/** A set of pages, one bit each. Confined to one thread at a time. */
final class PageSet {
  private long[] words = new long[16];

  void add(long pgno) {
    int word = (int) (pgno >>> 6);
    if (word >= words.length) {
      words = Arrays.copyOf(words, word + (word >> 1) + 1);
    }
    words[word] |= 1L << pgno;
  }

  boolean contains(long pgno) {
    int word = (int) (pgno >>> 6);
    return word < words.length && (words[word] & (1L << pgno)) != 0;
  }

  /** Removes every page past {@code commit}. */
  void cut(long commit) {
    int word = (int) ((commit + 1) >>> 6);
    if (word < words.length) {
      words[word] &= (1L << (commit + 1)) - 1;
      Arrays.fill(words, word + 1, words.length, 0);
    }
  }

  /** Returns the first page from {@code pgno} on that is not in the set. */
  long firstAbsent(long pgno) {
    long at = pgno;
    while (at >>> 6 < words.length) {
      long absent = ~words[(int) (at >>> 6)] & (-1L << at);
      if (absent != 0) {
        return (at & ~63L) + Long.numberOfTrailingZeros(absent);
      }
      at = (at & ~63L) + 64;
    }
    return at;
  }

  /** Returns the first page from {@code pgno} on that is in the set, or a number past all of it. */
  long firstPresent(long pgno) {
    long at = pgno;
    while (at >>> 6 < words.length) {
      long present = words[(int) (at >>> 6)] & (-1L << at);
      if (present != 0) {
        return (at & ~63L) + Long.numberOfTrailingZeros(present);
      }
      at = (at & ~63L) + 64;
    }
    return Long.MAX_VALUE;
  }

  long count() {
    return Arrays.stream(words).map(Long::bitCount).sum();
  }
}
