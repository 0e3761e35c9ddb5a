package dev.sluice.cache;

import dev.sluice.ltx.PageIndex;
import org.jspecify.annotations.Nullable;

/**
 * The radix tree of a {@link PageMap}: pgno to {@link Leaf}. Immutable and persistent: a tree made
 * from another shares every node below which nothing changed.
 *
 * <pre>
 *   inner node: Object[64], of inner nodes or, at the lowest level, of leaves; null = no page there
 *   shift of a node: its child i holds the pgnos whose bits from `shift` on end in i
 * </pre>
 */
final class PageTree {
  private static final int INNER_BITS = 6;
  private static final int INNER_CHILDREN = 1 << INNER_BITS;
  private static final int ARRAY_HEADER_BYTES = 16;

  static final PageTree EMPTY = new PageTree(new Object[INNER_CHILDREN], Leaf.BITS);

  private final Object[] root;
  private final int rootShift;

  private PageTree(Object[] root, int rootShift) {
    this.root = root;
    this.rootShift = rootShift;
  }

  /** Given each leaf in the order of pgnos. */
  interface Visitor {
    /**
     * Takes a leaf.
     *
     * @param first the pgno of the leaf's first place
     */
    void visit(long first, long[] leaf);
  }

  /** Given each leaf in the order of pgnos, gives what stands in its place. */
  interface Rewriting {
    /**
     * Returns the leaf that stands in a leaf's place.
     *
     * @param first the pgno of the leaf's first place
     * @return the leaf itself if it does not change
     */
    long[] rewrite(long first, long[] leaf);
  }

  /** Returns the leaf that has a page if the tree does. */
  long[] leaf(long pgno) {
    int shift = rootShift;
    if (pgno >>> shift >= INNER_CHILDREN) {
      return Leaf.NONE;
    }
    Object node = root;
    while (node != null && shift >= Leaf.BITS) {
      node = ((Object[]) node)[(int) (pgno >>> shift) & (INNER_CHILDREN - 1)];
      shift -= INNER_BITS;
    }
    return node == null ? Leaf.NONE : (long[]) node;
  }

  void visit(Visitor visitor) {
    visit(root, rootShift, 0, visitor);
  }

  /**
   * Visits the leaves of this tree that another does not have, and, as {@link Leaf#NONE}, the
   * places of those that only the other has. What both share costs nothing.
   */
  void visitOthersThan(PageTree other, Visitor visitor) {
    Object theirs = other.root;
    for (int shift = other.rootShift; shift < rootShift; shift += INNER_BITS) {
      Object[] above = new Object[INNER_CHILDREN];
      above[0] = theirs;
      theirs = above;
    }
    Object mine = root;
    for (int shift = rootShift; shift < other.rootShift; shift += INNER_BITS) {
      Object[] above = new Object[INNER_CHILDREN];
      above[0] = mine;
      mine = above;
    }
    visitOthers(mine, theirs, Math.max(rootShift, other.rootShift), 0, visitor);
  }

  /** Takes two nodes, or leaves, of one place; either may be missing. */
  private static void visitOthers(
      @Nullable Object mine, @Nullable Object theirs, int shift, long first, Visitor visitor) {
    if (mine == theirs) {
      return;
    }
    if (shift < Leaf.BITS) {
      visitor.visit(first, mine == null ? Leaf.NONE : (long[]) mine);
      return;
    }
    for (int i = 0; i < INNER_CHILDREN; i++) {
      visitOthers(
          mine == null ? null : ((Object[]) mine)[i],
          theirs == null ? null : ((Object[]) theirs)[i],
          shift - INNER_BITS,
          first + ((long) i << shift),
          visitor);
    }
  }

  private static void visit(Object[] node, int shift, long base, Visitor visitor) {
    for (int i = 0; i < INNER_CHILDREN; i++) {
      long first = base + ((long) i << shift);
      if (node[i] instanceof long[] leaf) {
        visitor.visit(first, leaf);
      } else if (node[i] != null) {
        visit((Object[]) node[i], shift - INNER_BITS, first, visitor);
      }
    }
  }

  /** Returns the tree with other leaves; the tree itself if none changes. */
  PageTree rewritten(Rewriting rewriting) {
    return with(rewritten(root, rootShift, 0, rewriting));
  }

  private static Object[] rewritten(Object[] node, int shift, long base, Rewriting rewriting) {
    Object[] result = node;
    for (int i = 0; i < INNER_CHILDREN; i++) {
      Object child = node[i];
      if (child == null) {
        continue;
      }
      long first = base + ((long) i << shift);
      Object rewritten =
          child instanceof long[] leaf
              ? rewriting.rewrite(first, leaf)
              : rewritten((Object[]) child, shift - INNER_BITS, first, rewriting);
      if (rewritten != child) {
        result = result == node ? node.clone() : result;
        result[i] = rewritten;
      }
    }
    return result;
  }

  private PageTree with(Object[] newRoot) {
    return newRoot == root ? this : new PageTree(newRoot, rootShift);
  }

  /** Returns the tree without pages past {@code commit}; the tree itself if it has none. */
  PageTree trimmed(long commit) {
    return with(trimmed(root, rootShift, 0, commit));
  }

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
            child instanceof long[] leaf
                ? Leaf.trimmed(leaf, (int) (commit - first) + 1)
                : trimmed((Object[]) child, shift - INNER_BITS, first, commit);
      }
      if (kept != child) {
        result = result == node ? node.clone() : result;
        result[i] = kept;
      }
    }
    return result;
  }

  /** Returns the tree with the pages of a file, all from one source. */
  PageTree with(PageIndex index, int source) {
    if (index.count() == 0) {
      return this;
    }
    long last = index.pgno(index.count() - 1);
    Object[] node = root;
    int shift = rootShift;
    while (last >>> shift >= INNER_CHILDREN) {
      Object[] above = new Object[INNER_CHILDREN];
      above[0] = node;
      node = above;
      shift += INNER_BITS;
    }
    return new PageTree(new Applying(index, source).inner(node, shift, last), shift);
  }

  /** Returns the bytes of memory that this tree takes alone. */
  long heapBytes() {
    return heapBytes(root);
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

  /**
   * One file on its way into the tree: nodes are copied once a file, leaves too. Confined to one
   * thread.
   */
  private static final class Applying {
    private final PageIndex index;
    private final int source;
    private final Leaf.Builder builder = new Leaf.Builder();
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
      Object[] copy = node.clone();
      while (next < index.count() && index.pgno(next) <= last) {
        long pgno = index.pgno(next);
        int i = (int) (pgno >>> shift) & (INNER_CHILDREN - 1);
        long lastOfChild = Math.min(last, pgno | ((1L << shift) - 1));
        Object child = copy[i];
        if (shift == Leaf.BITS) {
          copy[i] = leaf(child == null ? Leaf.NONE : (long[]) child, lastOfChild);
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
      builder.read(leaf);
      while (next < index.count() && index.pgno(next) <= last) {
        builder.set(
            (int) index.pgno(next) & (Leaf.PAGES - 1),
            index.offset(next),
            index.frameBytes(next),
            source);
        next++;
      }
      return builder.build();
    }
  }
}
