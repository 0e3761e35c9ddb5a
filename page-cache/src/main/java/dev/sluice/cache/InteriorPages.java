package dev.sluice.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Walks through the interior pages of a database's b-trees, level by level, and reads no more of
 * the leaves than one for each tree: a b-tree is equally deep everywhere
 * (https://sqlite.org/fileformat2.html#b_tree_pages). What does not look like a b-tree is passed
 * over. Confined to one thread.
 */
final class InteriorPages {
  private static final int INTERIOR_INDEX = 2;
  private static final int INTERIOR_TABLE = 5;
  private static final int LEAF_TABLE = 13;
  private static final int HEADER_BYTES_OF_PAGE_ONE = 100;
  private static final int AT_CELL_COUNT = 3;
  private static final int AT_RIGHT_CHILD = 8;
  private static final int AT_CELLS_OF_INTERIOR = 12;
  private static final int AT_CELLS_OF_LEAF = 8;
  private static final int SCHEMA_ROOT_COLUMN = 3;
  private static final int PAGES_AT_ONCE = 256;

  private final View view;
  private final Reader reader;
  private final BitSet seen = new BitSet();

  /** Reads pages. */
  @FunctionalInterface
  interface Reader {
    /** Returns pages in the order of their pgnos, as the files hold them. */
    List<byte[]> read(View view, List<Long> pgnos) throws IOException;
  }

  InteriorPages(View view, Reader reader) {
    this.view = view;
    this.reader = reader;
  }

  /** Reads them all. */
  void walk() throws IOException {
    List<Long> roots = new ArrayList<>();
    for (long leaf : leaves(1)) {
      roots.addAll(roots(leaf));
    }
    for (long root : roots) {
      readInterior(root);
    }
  }

  /** Returns the leaves of a small tree, which are not read. */
  private List<Long> leaves(long root) throws IOException {
    List<Long> level = isNew(root) ? List.of(root) : List.of();
    while (!level.isEmpty() && isInterior(level.get(0), page(level.get(0)))) {
      level = next(level);
    }
    return level;
  }

  /** Reads the interior pages below a root, and the first page of each level. */
  private void readInterior(long root) throws IOException {
    if (!isNew(root) || !isInterior(root, page(root))) {
      return;
    }
    List<Long> level = List.of(root);
    while (!level.isEmpty()) {
      List<Long> children = children(level.get(0), page(level.get(0)));
      if (children.isEmpty() || !isInterior(children.get(0), page(children.get(0)))) {
        read(level);
        return;
      }
      children.forEach(child -> seen.clear(bit(child))); // they come again
      level = next(level);
    }
  }

  /** Returns the children of all pages of a level, a few of which are in memory at a time. */
  private List<Long> next(List<Long> level) throws IOException {
    List<Long> next = new ArrayList<>();
    for (int from = 0; from < level.size(); from += PAGES_AT_ONCE) {
      List<Long> some = level.subList(from, Math.min(level.size(), from + PAGES_AT_ONCE));
      List<byte[]> pages = reader.read(view, some);
      for (int i = 0; i < some.size(); i++) {
        if (isInterior(some.get(i), pages.get(i))) {
          next.addAll(children(some.get(i), pages.get(i)));
        }
      }
    }
    return next;
  }

  private void read(List<Long> level) throws IOException {
    for (int from = 0; from < level.size(); from += PAGES_AT_ONCE) {
      List<byte[]> unused =
          reader.read(view, level.subList(from, Math.min(level.size(), from + PAGES_AT_ONCE)));
    }
  }

  private byte[] page(long pgno) throws IOException {
    return reader.read(view, List.of(pgno)).get(0);
  }

  private static int bit(long pgno) {
    return (int) (pgno - 1);
  }

  private boolean isNew(long pgno) {
    return pgno >= 1
        && pgno <= view.commit()
        && pgno <= Integer.MAX_VALUE
        && view.pages().contains(pgno)
        && !seen.get(bit(pgno))
        && mark(pgno);
  }

  private boolean mark(long pgno) {
    seen.set(bit(pgno));
    return true;
  }

  private static int start(long pgno) {
    return pgno == 1 ? HEADER_BYTES_OF_PAGE_ONE : 0;
  }

  private static boolean isInterior(long pgno, byte[] page) {
    int type = page[start(pgno)];
    return type == INTERIOR_INDEX || type == INTERIOR_TABLE;
  }

  private List<Long> children(long pgno, byte[] page) {
    ByteBuffer bytes = ByteBuffer.wrap(page);
    int start = start(pgno);
    List<Long> children = new ArrayList<>();
    for (int at : cells(bytes, start, AT_CELLS_OF_INTERIOR)) {
      addIfNew(children, Integer.toUnsignedLong(bytes.getInt(at)));
    }
    addIfNew(children, Integer.toUnsignedLong(bytes.getInt(start + AT_RIGHT_CHILD)));
    return children;
  }

  private void addIfNew(List<Long> pgnos, long pgno) {
    if (isNew(pgno)) {
      pgnos.add(pgno);
    }
  }

  /** Returns where the cells are, as far as they lie in the page with four bytes at least. */
  private static List<Integer> cells(ByteBuffer page, int start, int headerBytes) {
    int count = Short.toUnsignedInt(page.getShort(start + AT_CELL_COUNT));
    List<Integer> cells = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int pointer = start + headerBytes + i * Short.BYTES;
      if (pointer + Short.BYTES > page.capacity()) {
        return cells;
      }
      int at = Short.toUnsignedInt(page.getShort(pointer));
      if (at + Integer.BYTES <= page.capacity()) {
        cells.add(at);
      }
    }
    return cells;
  }

  /** Returns the root pages that a leaf of the schema names. */
  private List<Long> roots(long leaf) throws IOException {
    byte[] page = page(leaf);
    List<Long> roots = new ArrayList<>();
    if (page[start(leaf)] != LEAF_TABLE) {
      return roots;
    }
    for (int at : cells(ByteBuffer.wrap(page), start(leaf), AT_CELLS_OF_LEAF)) {
      roots.add(new SchemaRecord(page, at).number(SCHEMA_ROOT_COLUMN));
    }
    return roots;
  }

  /**
   * One record of the schema table, as far as it lies in its page
   * (https://sqlite.org/fileformat2.html#record_format).
   */
  private static final class SchemaRecord {
    private final byte[] page;
    private int at;

    SchemaRecord(byte[] page, int cell) {
      this.page = page;
      this.at = cell;
      varint(); // bytes of the payload
      varint(); // rowid
    }

    /** Returns an integer column; 0 if it is none, or does not lie in the page. */
    long number(int column) {
      int header = at;
      long headerBytes = varint();
      long value = header + headerBytes;
      for (int i = 0; i < column; i++) {
        value += bytes(varint());
      }
      long type = varint();
      int length = bytes(type);
      if (type < 1 || type > 6 || value < 0 || value + length > page.length) {
        return 0;
      }
      long number = 0;
      for (int i = 0; i < length; i++) {
        number = (number << Byte.SIZE) | (page[(int) value + i] & 0xff);
      }
      return number;
    }

    private static int bytes(long type) {
      if (type >= 12) {
        return (int) Math.min((type - 12) / 2, Integer.MAX_VALUE / 2);
      }
      return type == 5 ? 6 : type == 6 || type == 7 ? 8 : type <= 4 ? (int) type : 0;
    }

    /** Past the page everything is 0. */
    private long varint() {
      long value = 0;
      for (int i = 0; i < 8 && at < page.length; i++) {
        int next = page[at++];
        value = (value << 7) | (next & 0x7f);
        if (next >= 0) {
          return value;
        }
      }
      return at < page.length ? (value << Byte.SIZE) | (page[at++] & 0xff) : 0;
    }
  }
}
