package dev.sluice.cache;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Lets several page maps have one leaf where they say the same.
 *
 * <p>Maps that follow on each other share leaves by themselves. Once each has moved its pages its
 * leaves are its own, though most say what the neighbour's say. So the maps that were given so far
 * have one table of sources here, and a leaf that was met before stands for every equal one: a leaf
 * means what its map's sources say, which makes sharing by content right whatever the leaf's past.
 * A source keeps the number that it has in its map where that is free: the first map stays as it
 * is. Confined to one thread.
 */
final class LeafSharing {
  private final Map<PageMove.Row, Integer> numbers = new HashMap<>();
  private final BitSet isTaken = new BitSet();
  private final Map<Content, long[]> leaves = new HashMap<>();
  private int[] files = new int[0];
  private long[] bounds = new long[0];

  /** A leaf by what is in it. */
  @SuppressWarnings("ArrayRecordComponent") // compared by what is in it
  private record Content(long[] leaf, int hash) {

    static Content of(long[] leaf) {
      return new Content(leaf, Arrays.hashCode(leaf));
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Content content
          && content.hash == hash
          && Arrays.equals(content.leaf, leaf);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  /**
   * Returns the number here of each source that a map uses; empty if there are more than 65,536.
   *
   * @param sourceFiles of the map
   * @param sourceBounds of the map
   * @param isUsed says of each source whether a page has it; what it says of others means nothing
   */
  Optional<int[]> numbersOf(int[] sourceFiles, long[] sourceBounds, boolean[] isUsed) {
    PageMove.Row[] rows = new PageMove.Row[isUsed.length];
    for (int source = 0; source < rows.length; source++) {
      if (isUsed[source]) {
        rows[source] = new PageMove.Row(sourceFiles[source], sourceBounds[source]);
        if (!numbers.containsKey(rows[source]) && !isTaken.get(source)) {
          take(source, rows[source]);
        }
      }
    }
    int[] result = new int[rows.length];
    for (int source = 0; source < rows.length; source++) {
      if (!isUsed[source]) {
        continue;
      }
      Integer number = numbers.get(rows[source]);
      if (number == null) {
        number = isTaken.nextClearBit(0);
        if (number == Leaf.SOURCES_MAX) {
          return Optional.empty();
        }
        take(number, rows[source]);
      }
      result[source] = number;
    }
    return Optional.of(result);
  }

  private void take(int number, PageMove.Row row) {
    if (number >= files.length) {
      files = Arrays.copyOf(files, number + (number >> 1) + 16);
      bounds = Arrays.copyOf(bounds, files.length);
    }
    numbers.put(row, number);
    isTaken.set(number);
    files[number] = row.file();
    bounds[number] = row.bound();
  }

  /**
   * Returns the leaf that stands for this one, whose sources have the numbers that they have here.
   */
  long[] shared(long[] leaf) {
    long[] earlier = leaves.putIfAbsent(Content.of(leaf), leaf);
    return earlier == null ? leaf : earlier;
  }

  /** Returns the files of so many sources; those of numbers that nobody uses mean nothing. */
  int[] files(int count) {
    return Arrays.copyOf(files, count);
  }

  /** Returns the bounds of so many sources. */
  long[] bounds(int count) {
    return Arrays.copyOf(bounds, count);
  }
}
