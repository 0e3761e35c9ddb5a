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
}
