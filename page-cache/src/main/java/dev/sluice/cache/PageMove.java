package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The pages of one {@link PageMap} on their way to other frames: rewrites leaves, and adds a row
 * for each new pair of file and bound. It stops before a leaf whose rows might not fit; the leaves
 * behind stay as they are. Confined to one thread.
 */
final class PageMove {
  /** With so many rows there is room for those of any leaf. */
  static final int SOURCES_BEFORE_LEAF_MAX = Leaf.SOURCES_MAX - Leaf.PAGES;

  /** What pages of one source have in common. */
  record Row(int file, long bound) {}

  private final boolean[] isLeaving;
  private final Map<Row, Integer> numbers = new HashMap<>();
  private final Leaf.Builder builder = new Leaf.Builder();
  private int[] files;
  private long[] bounds;
  private int count;
  private OptionalLong stoppedAt = OptionalLong.empty();

  /**
   * @param files of the map's sources
   * @param bounds of the map's sources
   * @param isLeaving says of each source whether its pages move
   */
  PageMove(int[] files, long[] bounds, boolean[] isLeaving) {
    this.files = files.clone();
    this.bounds = bounds.clone();
    this.isLeaving = isLeaving;
    this.count = files.length;
    for (int source = 0; source < count; source++) {
      numbers.putIfAbsent(new Row(files[source], bounds[source]), source);
    }
  }

  /** Returns the rewriting of the leaves from the one that starts at {@code from} on. */
  PageTree.Rewriting from(long from, PageMap.Relocation relocation) {
    return (first, leaf) -> {
      if (first < from || stoppedAt.isPresent() || !Leaf.hasSource(leaf, isLeaving)) {
        return leaf;
      }
      if (count > SOURCES_BEFORE_LEAF_MAX) {
        stoppedAt = OptionalLong.of(first);
        return leaf;
      }
      return moved(first, leaf, relocation);
    };
  }

  private long[] moved(long first, long[] leaf, PageMap.Relocation relocation) {
    boolean isMoved = false;
    for (int i = 0; i < Leaf.PAGES; i++) {
      if (leaf[i] == 0 || !isLeaving[Leaf.source(leaf, leaf[i])]) {
        continue;
      }
      int source = Leaf.source(leaf, leaf[i]);
      long bound = bounds[source];
      PageMap.Frame to = relocation.find(first + i, files[source], new Txid(bound));
      if (to == null) {
        continue;
      }
      if (!isMoved) {
        builder.read(leaf);
        isMoved = true;
      }
      builder.set(i, to.offset(), to.bytes(), numberOf(to.file(), bound));
    }
    return isMoved ? builder.build() : leaf;
  }

  private int numberOf(int file, long bound) {
    int number = numbers.computeIfAbsent(new Row(file, bound), row -> count);
    if (number == count) {
      if (count == files.length) {
        files = Arrays.copyOf(files, count + (count >> 1) + 16);
        bounds = Arrays.copyOf(bounds, files.length);
      }
      files[count] = file;
      bounds[count] = bound;
      count++;
    }
    return number;
  }

  /** Returns the first pgno of the leaf before which this move stopped, if it did. */
  OptionalLong stoppedAt() {
    return stoppedAt;
  }

  /** Returns the files of all rows: the map's, then those that were added. */
  int[] files() {
    return Arrays.copyOf(files, count);
  }

  /** Returns the bounds of all rows. */
  long[] bounds() {
    return Arrays.copyOf(bounds, count);
  }
}
