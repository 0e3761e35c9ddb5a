package dev.sluice.cache;

import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import java.util.Arrays;
import java.util.List;

/**
 * Where each page of one view is: pgno to frame (file, offset, size), and the bound, the TXID at
 * which the newest version of the page was learned. Immutable and persistent: a map that follows
 * shares every leaf that did not change.
 *
 * <p>A radix tree over the pgno. Nearly all of it is the offsets and sizes of frames, 57 bits a
 * page, so file and bound are numbers in a dictionary of each leaf: neighbouring pages come from
 * few files. A page costs 8.2 bytes, and 10.2 if no two pages of a leaf share a file.
 */
public final class PageMap {
  //  leaf: long[128 + n]                              inner node: Object[64]
  //
  //   63                 24 23         7 6       0
  //  +---------------------+------------+---------+
  //  | offset of the frame | frame size | local   |   x 128, page (leaf << 7 | i) at i; 0 = none
  //  +---------------------+------------+---------+
  //  | source 3 | source 2 | source 1   | source 0 |   x n: the leaf's dictionary, 16 bits each
  //  +----------+----------+------------+----------+
  //
  //  `local` counts in the dictionary. A source is a row of `sourceFiles` and `sourceBounds`: a
  //  location's file and a bound are two things, and move apart.
  private static final int LEAF_BITS = 7;
  private static final int LEAF_PAGES = 1 << LEAF_BITS;
  private static final int INNER_BITS = 6;
  private static final int INNER_CHILDREN = 1 << INNER_BITS;
  private static final int SIZE_BITS = 17;
  private static final int OFFSET_BITS = 40;
  private static final int SOURCES_MAX = 1 << 16;
  private static final int ARRAY_HEADER_BYTES = 16;

  /** The greatest offset of a frame, and so the greatest size of a file: 1 TiB. */
  static final long OFFSET_MAX = (1L << OFFSET_BITS) - 1;

  /** The map of a database without pages. */
  static final PageMap EMPTY =
      new PageMap(new Object[INNER_CHILDREN], LEAF_BITS, new int[0], new long[0]);

  private final Object[] root;
  private final int rootShift;
  private final int[] sourceFiles;
  private final long[] sourceBounds;

  private PageMap(Object[] root, int rootShift, int[] sourceFiles, long[] sourceBounds) {
    this.root = root;
    this.rootShift = rootShift;
    this.sourceFiles = sourceFiles;
    this.sourceBounds = sourceBounds;
  }

  /**
   * One file to apply.
   *
   * @param file its number in the replica's {@link FileTable}
   * @param bound the TXID up to which its pages are the newest: the file's max TXID
   * @param index its pages, none past commit
   * @param commit pages of the database after it
   */
  record Change(int file, Txid bound, PageIndex index, long commit) {}

  /**
   * Returns this map after files were applied, oldest first. Each drops every page past its commit
   * before its own pages count, so that a database that shrinks and grows again does not show what
   * it had before. Files of which no page is left are let go where the numbers get short.
   *
   * @throws ViewException.TooManyFiles if more than 65,536 files hold pages that are current
   */
  PageMap apply(List<Change> changes) throws ViewException {
    return apply(changes, SOURCES_MAX);
  }

  /** As the other, for at most so many files at a time; 65,536 or fewer. */
  PageMap apply(List<Change> changes, int sourcesMax) throws ViewException {
    PageMap map = this;
    int applied = 0;
    while (applied < changes.size()) {
      int room = sourcesMax - map.sourceFiles.length;
      if (room <= 0) {
        map = map.compacted();
        room = sourcesMax - map.sourceFiles.length;
      }
      if (room <= 0) {
        throw new ViewException.TooManyFiles(
            "the pages are spread over more than "
                + map.sourceFiles.length
                + " files: compact the replica");
      }
      int end = Math.min(changes.size(), applied + room);
      map = map.applyAll(changes.subList(applied, end));
      applied = end;
    }
    return map;
  }

  private PageMap applyAll(List<Change> changes) {
    int known = sourceFiles.length;
    int[] files = Arrays.copyOf(sourceFiles, known + changes.size());
    long[] bounds = Arrays.copyOf(sourceBounds, known + changes.size());
    Object[] node = root;
    int shift = rootShift;
    for (int i = 0; i < changes.size(); i++) {
      Change change = changes.get(i);
      files[known + i] = change.file();
      bounds[known + i] = change.bound().value();
      node = trimmed(node, shift, 0, change.commit());
      PageIndex index = change.index();
      long last = index.count() == 0 ? 0 : index.pgno(index.count() - 1);
      if (last > change.commit()) {
        throw new IllegalArgumentException("page " + last + " past commit " + change.commit());
      }
      while (last >>> shift >= INNER_CHILDREN) {
        Object[] above = new Object[INNER_CHILDREN];
        above[0] = node;
        node = above;
        shift += INNER_BITS;
      }
      node = new Applying(index, known + i).inner(node, shift, last);
    }
    return new PageMap(node, shift, files, bounds);
  }

  /** Returns the same map with only the sources that a page refers to. */
  private PageMap compacted() {
    boolean[] isUsed = new boolean[sourceFiles.length];
    markUsed(root, isUsed);
    int[] renumbered = new int[isUsed.length];
    int[] files = new int[isUsed.length];
    long[] bounds = new long[isUsed.length];
    int count = 0;
    for (int source = 0; source < isUsed.length; source++) {
      if (isUsed[source]) {
        renumbered[source] = count;
        files[count] = sourceFiles[source];
        bounds[count] = sourceBounds[source];
        count++;
      }
    }
    if (count == isUsed.length) {
      return this;
    }
    return new PageMap(
        (Object[]) renumbered(root, renumbered),
        rootShift,
        Arrays.copyOf(files, count),
        Arrays.copyOf(bounds, count));
  }

  private static void markUsed(Object node, boolean[] isUsed) {
    if (node instanceof long[] leaf) {
      for (int i = 0; i < LEAF_PAGES; i++) {
        if (leaf[i] != 0) {
          isUsed[sourceAt(leaf, (int) leaf[i] & (LEAF_PAGES - 1))] = true;
        }
      }
      return;
    }
    for (Object child : (Object[]) node) {
      if (child != null) {
        markUsed(child, isUsed);
      }
    }
  }

  private static Object renumbered(Object node, int[] numbers) {
    if (node instanceof long[] leaf) {
      LeafBuilder builder = new LeafBuilder();
      builder.read(leaf);
      for (int i = 0; i < LEAF_PAGES; i++) {
        builder.sources[i] = builder.words[i] == 0 ? 0 : numbers[builder.sources[i]];
      }
      return builder.build();
    }
    Object[] copy = ((Object[]) node).clone();
    for (int i = 0; i < copy.length; i++) {
      copy[i] = copy[i] == null ? null : renumbered(copy[i], numbers);
    }
    return copy;
  }

  /** Returns how many files this map has numbers for. */
  int sourceCount() {
    return sourceFiles.length;
  }

  /** Returns whether a file holds the page. */
  public boolean contains(long pgno) {
    return word(leaf(pgno), pgno) != 0;
  }

  /** Returns where in its file the page's frame starts; the page is in this map. */
  public long offset(long pgno) {
    return requiredWord(leaf(pgno), pgno) >>> (SIZE_BITS + LEAF_BITS);
  }

  /** Returns the size of the page's frame, header included; the page is in this map. */
  public int frameBytes(long pgno) {
    return sizeOf(requiredWord(leaf(pgno), pgno));
  }

  /** Returns the number of the file that holds the page's frame; the page is in this map. */
  int fileNumber(long pgno) {
    return sourceFiles[source(pgno)];
  }

  /**
   * Returns the max TXID of the file in which this version of the page was learned; the page is in
   * this map.
   */
  public Txid bound(long pgno) {
    return new Txid(sourceBounds[source(pgno)]);
  }

  private int source(long pgno) {
    long[] leaf = leaf(pgno);
    return sourceAt(leaf, (int) requiredWord(leaf, pgno) & (LEAF_PAGES - 1));
  }

  private long[] leaf(long pgno) {
    int shift = rootShift;
    if (pgno >>> shift >= INNER_CHILDREN) {
      return NO_LEAF;
    }
    Object node = root;
    while (node != null && shift >= LEAF_BITS) {
      node = ((Object[]) node)[(int) (pgno >>> shift) & (INNER_CHILDREN - 1)];
      shift -= INNER_BITS;
    }
    return node == null ? NO_LEAF : (long[]) node;
  }

  private static final long[] NO_LEAF = new long[LEAF_PAGES];

  private static long word(long[] leaf, long pgno) {
    return leaf[(int) pgno & (LEAF_PAGES - 1)];
  }

  private static long requiredWord(long[] leaf, long pgno) {
    long word = word(leaf, pgno);
    if (word == 0) {
      throw new IllegalArgumentException("page " + pgno + " is not in this map");
    }
    return word;
  }

  private static int sizeOf(long word) {
    return (int) (word >>> LEAF_BITS) & ((1 << SIZE_BITS) - 1);
  }

  private static int sourceAt(long[] leaf, int local) {
    return (int) (leaf[LEAF_PAGES + (local >>> 2)] >>> ((local & 3) << 4)) & 0xffff;
  }

  /**
   * Returns the bytes of memory that this map takes alone, without its file table: arrays and their
   * headers.
   */
  long heapBytes() {
    return heapBytes(root)
        + ARRAY_HEADER_BYTES
        + (long) sourceFiles.length * Integer.BYTES
        + ARRAY_HEADER_BYTES
        + (long) sourceBounds.length * Long.BYTES;
  }

  private static long heapBytes(Object node) {
    if (node instanceof long[] leaf) {
      return ARRAY_HEADER_BYTES + (long) leaf.length * Long.BYTES;
    }
    Object[] inner = (Object[]) node;
    long bytes = ARRAY_HEADER_BYTES + (long) inner.length * Integer.BYTES;
    for (Object child : inner) {
      bytes += child == null ? 0 : heapBytes(child);
    }
    return bytes;
  }

  /** Returns the node without pages past {@code commit}; the node itself if it has none. */
  private static Object[] trimmed(Object[] node, int shift, long base, long commit) {
    Object[] result = node;
    for (int i = 0; i < INNER_CHILDREN; i++) {
      long first = base + ((long) i << shift);
      Object child = node[i];
      if (child == null || first + (1L << shift) - 1 <= commit) {
        continue;
      }
      Object kept = null;
      if (first <= commit) {
        kept =
            shift == LEAF_BITS
                ? trimmedLeaf((long[]) child, first, commit)
                : trimmed((Object[]) child, shift - INNER_BITS, first, commit);
      }
      if (kept != child) {
        result = result == node ? node.clone() : result;
        result[i] = kept;
      }
    }
    return result;
  }

  private static long[] trimmedLeaf(long[] leaf, long first, long commit) {
    int from = (int) (commit - first) + 1;
    for (int i = from; i < LEAF_PAGES; i++) {
      if (leaf[i] != 0) {
        LeafBuilder builder = new LeafBuilder();
        builder.read(leaf);
        Arrays.fill(builder.words, from, LEAF_PAGES, 0);
        return builder.build();
      }
    }
    return leaf;
  }

  /**
   * One file on its way into the tree: nodes are copied once a file, leaves too. Confined to one
   * thread.
   */
  private static final class Applying {
    private final PageIndex index;
    private final int source;
    private final LeafBuilder builder = new LeafBuilder();
    private int next;

    Applying(PageIndex index, int source) {
      this.index = index;
      this.source = source;
    }

    /**
     * Returns the node with every entry of the index from {@code next} on up to {@code last}, the
     * last pgno below the node.
     */
    Object[] inner(Object[] node, int shift, long last) {
      if (next == index.count() || index.pgno(next) > last) {
        return node;
      }
      Object[] copy = node.clone();
      while (next < index.count() && index.pgno(next) <= last) {
        long pgno = index.pgno(next);
        int i = (int) (pgno >>> shift) & (INNER_CHILDREN - 1);
        long lastOfChild = Math.min(last, pgno | ((1L << shift) - 1));
        Object child = copy[i];
        if (shift == LEAF_BITS) {
          copy[i] = leaf((long[]) child, lastOfChild);
        } else {
          copy[i] =
              inner(
                  child == null ? new Object[INNER_CHILDREN] : (Object[]) child,
                  shift - INNER_BITS,
                  lastOfChild);
        }
      }
      return copy;
    }

    private long[] leaf(long[] leaf, long last) {
      builder.read(leaf == null ? NO_LEAF : leaf);
      while (next < index.count() && index.pgno(next) <= last) {
        builder.set(
            (int) index.pgno(next) & (LEAF_PAGES - 1),
            index.offset(next),
            index.frameBytes(next),
            source);
        next++;
      }
      return builder.build();
    }
  }

  /** A leaf taken apart. Confined to one thread. */
  private static final class LeafBuilder {
    private final long[] words = new long[LEAF_PAGES];
    private final int[] sources = new int[LEAF_PAGES];
    private final int[] dictionary = new int[LEAF_PAGES];

    void read(long[] leaf) {
      for (int i = 0; i < LEAF_PAGES; i++) {
        words[i] = leaf[i];
        sources[i] = leaf[i] == 0 ? 0 : sourceAt(leaf, (int) leaf[i] & (LEAF_PAGES - 1));
      }
    }

    void set(int i, long offset, int frameBytes, int source) {
      if (offset > OFFSET_MAX || frameBytes >= 1 << SIZE_BITS || frameBytes < 1) {
        throw new IllegalArgumentException("a frame of " + frameBytes + " bytes at " + offset);
      }
      words[i] = (offset << (SIZE_BITS + LEAF_BITS)) | ((long) frameBytes << LEAF_BITS);
      sources[i] = source;
    }

    /** Returns the leaf, whose dictionary has only what is used. */
    long[] build() {
      int count = 0;
      int local = 0;
      long[] packed = new long[LEAF_PAGES + LEAF_PAGES / 4];
      for (int i = 0; i < LEAF_PAGES; i++) {
        if (words[i] == 0) {
          continue;
        }
        if (count == 0 || dictionary[local] != sources[i]) {
          local = localOf(sources[i], count);
          if (local == count) {
            dictionary[count] = sources[i];
            packed[LEAF_PAGES + (count >>> 2)] |= (long) sources[i] << ((count & 3) << 4);
            count++;
          }
        }
        packed[i] = (words[i] & -LEAF_PAGES) | local;
      }
      return Arrays.copyOf(packed, LEAF_PAGES + ((count + 3) >>> 2));
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
