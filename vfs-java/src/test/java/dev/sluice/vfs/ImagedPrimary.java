package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.sqlite.SQLiteConnection;

/**
 * A database of one table {@code t(id, payload)} that changes at random, its replica in a
 * directory, with snapshots and retention, and what each page was at each TXID. Confined to one
 * thread.
 */
final class ImagedPrimary implements AutoCloseable {
  private static final int PAYLOAD_BYTES = 400;
  private static final int SNAPSHOT_EVERY = 30;
  private static final int KEPT_FILES = 80;

  private final Path replica;
  private final int pageSize;
  private final int rows;
  private final Random random;
  private final Path database;
  private final Connection connection;
  private final TestHistory history;
  private final Map<Txid, byte[][]> images = new HashMap<>();
  private byte[][] last = {};
  private Txid txid = Txid.NONE;

  /** Makes a database of so many rows of some 400 bytes, beside its replica. */
  ImagedPrimary(Path folder, int pageSize, int rows, Random random)
      throws IOException, SQLException {
    this.pageSize = pageSize;
    this.replica = Files.createDirectories(folder.resolve("replica"));
    this.rows = rows;
    this.random = random;
    this.database = folder.resolve("primary.db");
    this.connection = DriverManager.getConnection("jdbc:sqlite:" + database);
    this.history = new TestHistory(replica, pageSize);
    try (Statement sql = connection.createStatement()) {
      sql.execute("PRAGMA page_size = " + pageSize);
      sql.execute("PRAGMA synchronous = OFF");
      sql.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, payload BLOB)");
      sql.execute(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
              + rows
              + ") INSERT INTO t SELECT i, randomblob("
              + PAYLOAD_BYTES
              + ") FROM n");
    }
    store();
  }

  /** Returns the replica's URL. */
  String url() {
    return "file:" + replica;
  }

  /** Returns a page as it is now. */
  byte[] page(int pgno) {
    return last[pgno - 1].clone();
  }

  Txid txid() {
    return txid;
  }

  int pageCount() {
    return last.length;
  }

  /** Commits something; the file is there when this returns. */
  void commit() throws IOException, SQLException {
    try (Statement sql = connection.createStatement()) {
      int kind = random.nextInt(20);
      if (kind == 0) {
        sql.execute("DELETE FROM t WHERE id > " + (rows - rows / 4));
        sql.execute("VACUUM"); // the database shrinks
      } else if (kind == 1) {
        sql.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                + rows
                + ") INSERT OR IGNORE INTO t SELECT i, randomblob(400) FROM n");
      } else {
        for (int i = 1 + random.nextInt(5); i > 0; i--) {
          int id = 1 + random.nextInt(rows);
          sql.execute("INSERT OR REPLACE INTO t VALUES (" + id + ", randomblob(400))");
        }
      }
    }
    store();
  }

  private void store() throws IOException {
    txid = history.add(database);
    byte[] bytes = Files.readAllBytes(database);
    byte[][] pages = new byte[bytes.length / pageSize][];
    for (int i = 0; i < pages.length; i++) {
      byte[] page = Arrays.copyOfRange(bytes, i * pageSize, (i + 1) * pageSize);
      pages[i] = i < last.length && Arrays.equals(last[i], page) ? last[i] : page;
    }
    last = pages;
    images.put(txid, pages);
    if (txid.value() % SNAPSHOT_EVERY == 0) {
      snapshot();
      expire();
    }
  }

  private Path file(int level, TxidRange range) {
    return replica.resolve("ltx/" + level + "/" + range + ".ltx");
  }

  private void snapshot() throws IOException {
    TxidRange range = new TxidRange(Txid.FIRST, txid);
    Path file = file(9, range);
    Files.createDirectories(file.getParent());
    Path unfinished = replica.resolve("unfinished");
    LtxHeader header =
        LtxHeader.of(pageSize, last.length, range, 1_700_000_000_000L + 1000 * txid.value());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(unfinished));
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (int i = 0; i < last.length; i++) {
        encoder.page(i + 1, last[i]);
      }
      encoder.finish();
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Deletes the snapshot before the last two, and what is long covered by them. */
  private void expire() throws IOException {
    long oldest = txid.value() - 2 * SNAPSHOT_EVERY;
    if (oldest > 0) {
      Files.deleteIfExists(file(9, new TxidRange(Txid.FIRST, new Txid(oldest))));
    }
    for (long each = txid.value() - KEPT_FILES; each > 0; each--) {
      if (!Files.deleteIfExists(file(0, new TxidRange(new Txid(each), new Txid(each))))) {
        return;
      }
    }
  }

  /** Reads every page of a connection's view, and requires that it is as it was at its TXID. */
  Txid requireImage(Connection reader) throws SQLException {
    try (Statement sql = reader.createStatement()) {
      sql.execute("PRAGMA cache_size = 1"); // so that it asks the VFS
      sql.execute("PRAGMA shrink_memory");
      sql.execute("BEGIN");
      sql.executeQuery("SELECT count(*) FROM sqlite_schema").close(); // has the transaction read
      Txid shown = Txid.parse(DatabaseContents.value(reader, "SELECT litestream_txid()"));
      byte[] bytes = reader.unwrap(SQLiteConnection.class).serialize("main");
      sql.execute("COMMIT");
      requireImage(shown, bytes);
      return shown;
    }
  }

  private void requireImage(Txid shown, byte[] bytes) {
    byte[][] image = images.get(shown);
    if (image == null) {
      throw new AssertionError("there was no TXID " + shown);
    }
    assertEquals(image.length * pageSize, bytes.length, "bytes at " + shown);
    for (int i = 0; i < image.length; i++) {
      byte[] page = Arrays.copyOfRange(bytes, i * pageSize, (i + 1) * pageSize);
      byte[] expected = image[i];
      if (i == 0) {
        expected = withoutCounters(expected);
        page = withoutCounters(page);
      }
      assertArrayEquals(expected, page, "page " + (i + 1) + " at " + shown);
    }
  }

  /** Page 1 without what a view shows by its TXID. */
  private static byte[] withoutCounters(byte[] page) {
    byte[] without = page.clone();
    Arrays.fill(without, 24, 28, (byte) 0);
    Arrays.fill(without, 40, 44, (byte) 0);
    Arrays.fill(without, 92, 96, (byte) 0);
    return without;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
