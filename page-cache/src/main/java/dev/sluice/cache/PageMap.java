package dev.sluice.cache;

import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Where each page of one view is: pgno to frame (file, offset, size), and the bound, the TXID at
 * which the newest version of the page was learned. Immutable and persistent: a map that follows
 * shares every leaf that did not change.
 *
 * <p>A {@link PageTree} over the pgno, whose pages name a source: a row of {@code sourceFiles} and
 * {@code sourceBounds}. A location's file and a bound are two things, and move apart. A page costs
 * 8.2 bytes, and 10.2 if no two pages of a leaf share a source.
 *
 * <p>Each file that is applied adds a row. Rows to which no page refers any more go when there are
 * more than twice as many as were used the last time, and 64: one pass over the leaves'
 * dictionaries, which pays for as many files as it leaves rows. Then the last rows move into the
 * gaps of those that went, so that most leaves stay as they are, shared with older maps.
 */
public final class PageMap {
  private static final int ARRAY_HEADER_BYTES = 16;
  private static final int UNUSED_SOURCES_MIN = 64;

  /** The greatest offset of a frame, and so the greatest size of a file: 1 TiB. */
  static final long OFFSET_MAX = Leaf.OFFSET_MAX;

  /** The map of a database without pages. */
  static final PageMap EMPTY = new PageMap(PageTree.EMPTY, new int[0], new long[0], 0);

  private final PageTree tree;
  private final int[] sourceFiles;
  private final long[] sourceBounds;

  /** How many rows were used when that was last looked at. */
  private final int sourcesUsed;

  PageMap(PageTree tree, int[] sourceFiles, long[] sourceBounds, int sourcesUsed) {
    this.tree = tree;
    this.sourceFiles = sourceFiles;
    this.sourceBounds = sourceBounds;
    this.sourcesUsed = sourcesUsed;
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
   * Where a page's frame is.
   *
   * @param file a number of the replica's {@link FileTable}, or -1 for the file of rescued pages
   * @param offset where the frame starts, at most {@link #OFFSET_MAX}; of a rescued page, its id
   * @param bytes of the frame, header included; at most 131,071
   */
  record Frame(int file, long offset, int bytes) {}

  /** Finds another place for a page. */
  interface Relocation {
    /**
     * Returns where the page is to be from now on.
     *
     * @param file the number of the file that holds the page now
     * @param bound the page's bound, which it keeps
     * @return null if the page stays where it is
     */
    @Nullable Frame find(long pgno, int file, Txid bound);
  }

  /** Given pages one by one. */
  interface Visitor {
    void visit(long pgno, Frame frame, Txid bound);
  }

  /**
   * Returns this map after files were applied, oldest first. Each drops every page past its commit
   * before its own pages count, so that a database that shrinks and grows again does not show what
   * it had before.
   *
   * @throws ViewException.TooManyFiles if more than 65,536 files hold pages that are current
   */
  PageMap apply(List<Change> changes) throws ViewException {
    return apply(changes, Leaf.SOURCES_MAX);
  }

  /** As the other, for at most so many files at a time; 65,536 or fewer. */
  PageMap apply(List<Change> changes, int sourcesMax) throws ViewException {
    PageMap map = this;
    int applied = 0;
    while (applied < changes.size()) {
      if (map.room(sourcesMax) <= 0) {
        map = map.compacted();
      }
      int room = map.room(sourcesMax);
      if (room <= 0) {
        throw map.tooManyFiles();
      }
      int end = Math.min(changes.size(), applied + room);
      map = map.applyAll(changes.subList(applied, end));
      applied = end;
    }
    return map;
  }

  /** Returns how many rows may be added before it is time to let go of those that are not used. */
  private int room(int sourcesMax) {
    return Math.min(sourcesMax, 2 * sourcesUsed + UNUSED_SOURCES_MIN) - sourceFiles.length;
  }

  private ViewException.TooManyFiles tooManyFiles() {
    return new ViewException.TooManyFiles(
        "the pages are spread over more than "
            + sourceFiles.length
            + " files: compact the replica");
  }

  private PageMap applyAll(List<Change> changes) {
    int known = sourceFiles.length;
    int[] files = Arrays.copyOf(sourceFiles, known + changes.size());
    long[] bounds = Arrays.copyOf(sourceBounds, known + changes.size());
    PageTree applied = tree;
    for (int i = 0; i < changes.size(); i++) {
      Change change = changes.get(i);
      files[known + i] = change.file();
      bounds[known + i] = change.bound().value();
      PageIndex index = change.index();
      long last = index.count() == 0 ? 0 : index.pgno(index.count() - 1);
      if (last > change.commit()) {
        throw new IllegalArgumentException("page " + last + " past commit " + change.commit());
      }
      applied = applied.trimmed(change.commit()).with(index, known + i);
    }
    return new PageMap(applied, files, bounds, sourcesUsed);
  }

  /**
   * Returns this map with other frames for the pages of certain files, as far as there are any.
   * Bounds stay. Pages are asked for in the order of pgnos, each once.
   *
   * @param isLeaving says of a file's number whether its pages are asked for
   * @return this map if no page moves
   * @throws ViewException.TooManyFiles if the pages' files and bounds, of those that have moved and
   *     those that are still to move, make more than 65,536 pairs less the 128 of one leaf
   */
  PageMap moved(IntPredicate isLeaving, Relocation relocation) throws ViewException {
    PageMap map = this;
    boolean isMoved = false;
    long from = 0;
    while (true) {
      PageMove move = new PageMove(map.sourceFiles, map.sourceBounds, map.leaving(isLeaving));
      PageTree after = map.tree.rewritten(move.from(from, relocation));
      isMoved |= after != map.tree;
      if (after != map.tree) {
        map = new PageMap(after, move.files(), move.bounds(), map.sourcesUsed);
      }
      if (move.stoppedAt().isEmpty()) {
        return isMoved ? map.compacted() : this;
      }
      from = move.stoppedAt().getAsLong();
      map = map.compacted();
      if (map.sourceFiles.length > PageMove.SOURCES_BEFORE_LEAF_MAX) {
        throw map.tooManyFiles();
      }
    }
  }

  /**
   * Returns this map with bounds raised, so that pages of one file no longer need a row each:
   * frames stay, and so does every page's version.
   *
   * @param reach up to which TXID the pages of a file are known not to have changed: the file's max
   *     TXID if indexes were read that far; a bound that is later stays
   */
  PageMap raised(IntFunction<Txid> reach) {
    long[] bounds = sourceBounds.clone();
    int[] numbers = new int[bounds.length];
    Map<PageMove.Row, Integer> first = new HashMap<>();
    for (int source = 0; source < bounds.length; source++) {
      Txid raised = reach.apply(sourceFiles[source]);
      if (raised.isAfter(new Txid(bounds[source]))) {
        bounds[source] = raised.value();
      }
      int number = source;
      numbers[source] =
          first.computeIfAbsent(
              new PageMove.Row(sourceFiles[source], bounds[source]), row -> number);
    }
    PageTree renumbered = tree.rewritten((pgno, leaf) -> Leaf.renumbered(leaf, numbers));
    return new PageMap(renumbered, sourceFiles, bounds, sourcesUsed).compacted();
  }

  /**
   * Gives the pages of certain files in the order of pgnos. Leaves without such a page cost a look
   * at their dictionary.
   *
   * @param isLeaving says of a file's number whether its pages are meant
   */
  void forEach(IntPredicate isLeaving, Visitor visitor) {
    boolean[] isWanted = leaving(isLeaving);
    tree.visit(
        (first, leaf) -> {
          if (Leaf.hasSource(leaf, isWanted)) {
            visitLeaf(first, leaf, isWanted, visitor);
          }
        });
  }

  /**
   * Gives the pages that are not known to be the same in an earlier map of the same history: those
   * that changed since, and those that are not here, whether they were there or not.
   *
   * @param since the TXID of the earlier map's view
   */
  void forEachChanged(PageMap earlier, Txid since, LongConsumer changed) {
    tree.visitOthersThan(
        earlier.tree,
        (first, leaf) -> {
          for (int i = first == 0 ? 1 : 0; i < Leaf.PAGES; i++) { // there is no page 0
            if (leaf[i] == 0 || new Txid(sourceBounds[Leaf.source(leaf, leaf[i])]).isAfter(since)) {
              changed.accept(first + i);
            }
          }
        });
  }

  private void visitLeaf(long first, long[] leaf, boolean[] isWanted, Visitor visitor) {
    for (int i = 0; i < Leaf.PAGES; i++) {
      long word = leaf[i];
      if (word != 0 && isWanted[Leaf.source(leaf, word)]) {
        int source = Leaf.source(leaf, word);
        visitor.visit(
            first + i,
            new Frame(sourceFiles[source], Leaf.offset(word), Leaf.frameBytes(word)),
            new Txid(sourceBounds[source]));
      }
    }
  }

  /** Returns for each source whether its file is one of those. */
  private boolean[] leaving(IntPredicate isLeaving) {
    boolean[] isLeavingSource = new boolean[sourceFiles.length];
    for (int source = 0; source < sourceFiles.length; source++) {
      isLeavingSource[source] = isLeaving.test(sourceFiles[source]);
    }
    return isLeavingSource;
  }

  /** Returns the same map with only the sources to which a page refers. */
  private PageMap compacted() {
    boolean[] isUsed = usedSources();
    int count = 0;
    for (boolean isOneUsed : isUsed) {
      count += isOneUsed ? 1 : 0;
    }
    int[] files = Arrays.copyOf(sourceFiles, count);
    long[] bounds = Arrays.copyOf(sourceBounds, count);
    int[] numbers = new int[isUsed.length];
    int gap = 0;
    for (int source = 0; source < isUsed.length; source++) {
      numbers[source] = source;
      if (source >= count && isUsed[source]) {
        while (isUsed[gap]) {
          gap++;
        }
        numbers[source] = gap;
        files[gap] = sourceFiles[source];
        bounds[gap] = sourceBounds[source];
        gap++;
      }
    }
    PageTree renumbered = tree.rewritten((first, leaf) -> Leaf.renumbered(leaf, numbers));
    return new PageMap(renumbered, files, bounds, count);
  }

  /**
   * Returns a map that says the same and has the leaves of those that were given to {@code sharing}
   * before, where they are equal. It may have rows that only those use.
   *
   * @return this map if it stays as it is
   */
  PageMap sharing(LeafSharing sharing) {
    boolean[] isUsed = usedSources();
    Optional<int[]> numbers = sharing.numbersOf(sourceFiles, sourceBounds, isUsed);
    if (numbers.isEmpty()) {
      return this;
    }
    PageTree shared =
        tree.rewritten((first, leaf) -> sharing.shared(Leaf.renumbered(leaf, numbers.get())));
    if (shared == tree) {
      return this;
    }
    int used = 0;
    int rows = 0;
    for (int source = 0; source < isUsed.length; source++) {
      if (isUsed[source]) {
        used++;
        rows = Math.max(rows, numbers.get()[source] + 1);
      }
    }
    return new PageMap(shared, sharing.files(rows), sharing.bounds(rows), used);
  }

  /** Adds the leaves to a set that tells them apart by what they are, not by what they say. */
  void collectLeaves(Set<long[]> leaves) {
    tree.visit((first, leaf) -> leaves.add(leaf));
  }

  private boolean[] usedSources() {
    boolean[] isUsed = new boolean[sourceFiles.length];
    tree.visit((first, leaf) -> Leaf.markSources(leaf, isUsed));
    return isUsed;
  }

  /** Returns the numbers of the files that hold the pages, ascending. */
  int[] files() {
    boolean[] isUsed = usedSources();
    return IntStream.range(0, isUsed.length)
        .filter(source -> isUsed[source])
        .map(source -> sourceFiles[source])
        .sorted()
        .distinct()
        .toArray();
  }

  /**
   * Returns whether it is time for {@link #raised}: half of the rows that there can be are taken.
   */
  boolean isCrowded() {
    return sourcesUsed > Leaf.SOURCES_MAX / 2;
  }

  /** Returns how many rows of sources this map has, used or not. */
  int sourceCount() {
    return sourceFiles.length;
  }

  /** Returns whether a file holds the page. */
  public boolean contains(long pgno) {
    return Leaf.word(tree.leaf(pgno), pgno) != 0;
  }

  /** Returns where in its file the page's frame starts; the page is in this map. */
  public long offset(long pgno) {
    return Leaf.offset(requiredWord(tree.leaf(pgno), pgno));
  }

  /** Returns the size of the page's frame, header included; the page is in this map. */
  public int frameBytes(long pgno) {
    return Leaf.frameBytes(requiredWord(tree.leaf(pgno), pgno));
  }

  /** Returns the number of the file that holds the page's frame; the page is in this map. */
  int fileNumber(long pgno) {
    return sourceFiles[source(pgno)];
  }

  /** Returns where the page's frame is; the page is in this map. */
  Frame frame(long pgno) {
    long[] leaf = tree.leaf(pgno);
    long word = requiredWord(leaf, pgno);
    return new Frame(
        sourceFiles[Leaf.source(leaf, word)], Leaf.offset(word), Leaf.frameBytes(word));
  }

  /**
   * Returns the max TXID of the file in which this version of the page was learned; the page is in
   * this map.
   */
  public Txid bound(long pgno) {
    return new Txid(sourceBounds[source(pgno)]);
  }

  private int source(long pgno) {
    long[] leaf = tree.leaf(pgno);
    return Leaf.source(leaf, requiredWord(leaf, pgno));
  }

  private static long requiredWord(long[] leaf, long pgno) {
    long word = Leaf.word(leaf, pgno);
    if (word == 0) {
      throw new IllegalArgumentException("page " + pgno + " is not in this map");
    }
    return word;
  }

  /**
   * Returns the bytes of memory that this map takes alone, without its file table: arrays and their
   * headers.
   */
  long heapBytes() {
    return tree.heapBytes()
        + ARRAY_HEADER_BYTES
        + (long) sourceFiles.length * Integer.BYTES
        + ARRAY_HEADER_BYTES
        + (long) sourceBounds.length * Long.BYTES;
  }
}
