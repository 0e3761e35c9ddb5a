package dev.sluice.jmh;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

/**
 * A database file and a replica of it with one snapshot, both made from a fixed seed: what
 * benchmarks compare.
 *
 * @param file the database file
 * @param replica the folder that holds {@code ltx/}
 * @param rowCount rows of table {@code t}, whose ids are 1 to {@code rowCount}
 */
record BenchDatabase(Path file, Path replica, int rowCount) {
  static final int PAGE_SIZE = 4096;

  /** Bytes of a row's text; about nine rows fill a page. */
  private static final int TEXT_CHARS = 400;

  /** Makes a database of about {@code megabytes} MB and its replica below {@code folder}. */
  static BenchDatabase make(Path folder, int megabytes) throws IOException, SQLException {
    Path file = folder.resolve("bench.db");
    int rowCount = megabytes * 1_000_000 / (PAGE_SIZE / 9);
    fill(file, rowCount);
    Path replica = folder.resolve("replica");
    TxidRange range = new TxidRange(Txid.FIRST, Txid.FIRST);
    snapshot(file, replica.resolve("ltx/9/" + range + ".ltx"), range);
    return new BenchDatabase(file, replica, rowCount);
  }

  private static void fill(Path file, int rowCount) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT NOT NULL)");
      }
      connection.setAutoCommit(false);
      Random random = new Random(42);
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO t(word) VALUES (?)")) {
        for (int row = 0; row < rowCount; row++) {
          insert.setString(1, text(random));
          insert.executeUpdate();
        }
      }
      connection.commit();
    }
  }

  /** Returns text that LZ4 halves, as ordinary rows do. */
  private static String text(Random random) {
    StringBuilder text = new StringBuilder(TEXT_CHARS);
    while (text.length() < TEXT_CHARS) {
      text.append(Integer.toHexString(random.nextInt(1 << 16))).append(" sluice ");
    }
    return text.substring(0, TEXT_CHARS);
  }

  private static void snapshot(Path database, Path ltx, TxidRange range) throws IOException {
    Files.createDirectories(ltx.getParent());
    long commit = Files.size(database) / PAGE_SIZE;
    LtxHeader header = LtxHeader.of(PAGE_SIZE, commit, range, System.currentTimeMillis());
    byte[] page = new byte[PAGE_SIZE];
    try (InputStream in = new BufferedInputStream(Files.newInputStream(database), 1 << 20);
        OutputStream out = new BufferedOutputStream(Files.newOutputStream(ltx), 1 << 20);
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (long pgno = 1; pgno <= commit; pgno++) {
        if (in.readNBytes(page, 0, PAGE_SIZE) < PAGE_SIZE) {
          throw new EOFException("page " + pgno + " of " + database);
        }
        encoder.page(pgno, page);
      }
      encoder.finish();
    }
  }
}
