package dev.sluice.jmh;

import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A replica of a large database that nobody has ever had on a disk: one table {@code t(id, word)}
 * of which each leaf holds one row, of a letter repeated, so that a page is a few dozen bytes in
 * the replica. Its b-tree is written as https://sqlite.org/fileformat2.html#b_tree_pages draws it,
 * level by level from the root on page 2.
 *
 * @param folder that holds {@code ltx/}
 * @param rowCount rows of {@code t}, whose ids are 1 to {@code rowCount}
 */
record SyntheticReplica(Path folder, int rowCount) {
  static final int WORD_CHARS = 3900;

  private static final int PAGE_SIZE = 4096;
  private static final int FANOUT = 400;
  private static final int INTERIOR_TABLE = 5;
  private static final int LEAF_TABLE = 13;
  private static final int AT_COMMIT = 28;
  private static final int HEADER_BYTES_OF_INTERIOR = 12;

  /** A page and the greatest rowid below it. */
  private record Child(long pgno, int rowid) {}

  /** Makes a replica of a database of about {@code megabytes} MB below {@code folder}. */
  static SyntheticReplica make(Path folder, int megabytes) throws IOException, SQLException {
    int rowCount = (int) (megabytes * 1_000_000L / PAGE_SIZE);
    List<Integer> counts = new ArrayList<>(); // of pages, from the root to the leaves
    for (int count = rowCount; count > 1; count = (count + FANOUT - 1) / FANOUT) {
      counts.add(0, count);
    }
    counts.add(0, 1);
    List<long[]> levels = new ArrayList<>();
    long next = 2;
    for (int count : counts) {
      long[] pgnos = new long[count];
      for (int i = 0; i < count; i++) {
        next += next == LockPage.pgno(PAGE_SIZE) ? 1 : 0;
        pgnos[i] = next++;
      }
      levels.add(pgnos);
    }
    TxidRange range = new TxidRange(Txid.FIRST, Txid.FIRST);
    Path ltx = Files.createDirectories(folder.resolve("ltx/9")).resolve(range + ".ltx");
    long commit = next - 1;
    LtxHeader header = LtxHeader.of(PAGE_SIZE, commit, range, System.currentTimeMillis());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(ltx), 1 << 20);
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      encoder.page(1, pageOne(folder.resolve("schema.db"), commit));
      for (int level = 0; level + 1 < levels.size(); level++) {
        writeInterior(encoder, levels.get(level), levels.get(level + 1), rowsBelow(level, levels));
      }
      long[] leaves = levels.get(levels.size() - 1);
      for (int row = 1; row <= leaves.length; row++) {
        encoder.page(leaves[row - 1], leaf(row));
      }
      encoder.finish();
    }
    return new SyntheticReplica(folder, rowCount);
  }

  /** Returns how many rows a page below a level holds, if it is full. */
  private static int rowsBelow(int level, List<long[]> levels) {
    int rows = 1;
    for (int below = level + 2; below < levels.size(); below++) {
      rows *= FANOUT;
    }
    return rows;
  }

  /** Returns what SQLite writes for such a table, as page 1 of a database of so many pages. */
  private static byte[] pageOne(Path file, long commit) throws IOException, SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT NOT NULL)");
    }
    byte[] page = new byte[PAGE_SIZE];
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      in.readFully(page);
    }
    Files.delete(file);
    ByteBuffer.wrap(page).putInt(AT_COMMIT, (int) commit);
    return page;
  }

  private static void writeInterior(LtxEncoder encoder, long[] pgnos, long[] below, int rowsOfChild)
      throws IOException {
    int rowCount = below.length * rowsOfChild;
    for (int i = 0; i < pgnos.length; i++) {
      List<Child> children = new ArrayList<>();
      for (int c = i * FANOUT; c < Math.min(below.length, (i + 1) * FANOUT); c++) {
        children.add(new Child(below[c], Math.min(rowCount, (c + 1) * rowsOfChild)));
      }
      encoder.page(pgnos[i], interior(children));
    }
  }

  private static byte[] interior(List<Child> children) {
    byte[] page = new byte[PAGE_SIZE];
    ByteBuffer bytes = ByteBuffer.wrap(page);
    int cells = children.size() - 1;
    int at = PAGE_SIZE;
    for (int i = 0; i < cells; i++) {
      byte[] rowid = varint(children.get(i).rowid());
      at -= Integer.BYTES + rowid.length;
      bytes.putInt(at, (int) children.get(i).pgno());
      bytes.put(at + Integer.BYTES, rowid);
      bytes.putShort(HEADER_BYTES_OF_INTERIOR + i * Short.BYTES, (short) at);
    }
    bytes.put(0, (byte) INTERIOR_TABLE).putShort(3, (short) cells).putShort(5, (short) at);
    bytes.putInt(8, (int) children.get(cells).pgno());
    return page;
  }

  private static byte[] leaf(int row) {
    byte[] type = varint(13 + 2 * WORD_CHARS); // text
    byte[] payload = new byte[2 + type.length + WORD_CHARS];
    Arrays.fill(payload, (byte) 'x');
    payload[0] = (byte) (2 + type.length); // of the header, then the id, which is the rowid
    payload[1] = 0;
    System.arraycopy(type, 0, payload, 2, type.length);
    byte[] length = varint(payload.length);
    byte[] rowid = varint(row);
    int at = PAGE_SIZE - length.length - rowid.length - payload.length;
    byte[] page = new byte[PAGE_SIZE];
    ByteBuffer bytes = ByteBuffer.wrap(page);
    bytes.put(0, (byte) LEAF_TABLE).putShort(3, (short) 1).putShort(5, (short) at);
    bytes.putShort(8, (short) at);
    bytes.put(at, length).put(at + length.length, rowid);
    bytes.put(at + length.length + rowid.length, payload);
    return page;
  }

  /** Returns a number above 0 as SQLite's records have it. */
  private static byte[] varint(int number) {
    int count = (Integer.SIZE - Integer.numberOfLeadingZeros(number) + 6) / 7;
    byte[] varint = new byte[count];
    for (int i = 0; i < count; i++) {
      int bits = (number >>> (7 * (count - 1 - i))) & 0x7f;
      varint[i] = (byte) (i < count - 1 ? bits | 0x80 : bits);
    }
    return varint;
  }
}
