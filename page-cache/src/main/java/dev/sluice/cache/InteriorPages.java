package dev.sluice.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

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
  private static final int PAGES_MAX = 1 << 20;

  private final View view;
  private final Reader reader;
  private final Set<Long> seen = new HashSet<>();

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
    List<Long> leavesOfSchema = leaves(1);
    Set<Long> roots = new LinkedHashSet<>();
    for (int from = 0; from < leavesOfSchema.size(); from++) {
      roots.addAll(roots(leavesOfSchema.get(from)));
    }
    for (long root : roots) {
      leaves(root);
    }
  }

  /** Reads the interior pages below a root; returns the leaves, which are not read. */
  private List<Long> leaves(long root) throws IOException {
    List<Long> level = isNew(root) ? List.of(root) : List.of();
    while (!level.isEmpty()) {
      // The first page of a level tells what all of it are.
      byte[] first = reader.read(view, level.subList(0, 1)).get(0);
      if (!isInterior(level.get(0), first)) {
        return level;
      }
      List<Long> next = new ArrayList<>(children(level.get(0), first));
      List<Long> rest = level.subList(1, level.size());
      List<byte[]> pages = reader.read(view, rest);
      for (int i = 0; i < rest.size(); i++) {
        if (isInterior(rest.get(i), pages.get(i))) {
          next.addAll(children(rest.get(i), pages.get(i)));
        }
      }
      level = next;
    }
    return level;
  }

  private boolean isNew(long pgno) {
    return pgno >= 1
        && pgno <= view.commit()
        && view.pages().contains(pgno)
        && seen.size() < PAGES_MAX
        && seen.add(pgno);
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
    byte[] page = reader.read(view, List.of(leaf)).get(0);
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
      if (type < 1 || type > 6 || value + length > page.length) {
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
