package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Eight threads query one replica at many TXIDs at once. Every row names the TXID that wrote it,
 * and which TXIDs write which rows is a rule, so that each row read is checked against the TXID it
 * is read at.
 */
class SoakTest {
  private static final int THREADS = 8;
  private static final int TXIDS = 40;
  private static final int ROWS = 6000;

  /**
   * Far below the database's size, so that pages come and go. The largest that is asked for wins:
   * every URL says this.
   */
  private static final String SMALL_CACHE = "page_cache_size=256KiB";

  private static final int SECONDS = 1 + Integer.getInteger("sluice.soak.seconds", 30) / 3;

  @TempDir Path folder;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @Test
  void everyRowIsOfItsTxid(@Seeded("sluice.seed") Seed seed) throws Exception {
    Path replica = folder.resolve("replica");
    write(replica);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<Integer>> results = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        Random random = new Random(seed.value() + thread);
        results.add(
            threads.submit((Callable<Integer>) () -> query("file:" + replica, random, end)));
      }
      for (Future<Integer> result : results) {
        assertTrue(result.get(SECONDS + 60, TimeUnit.SECONDS) > 0);
      }
    } finally {
      threads.shutdownNow();
      assertTrue(threads.awaitTermination(30, TimeUnit.SECONDS));
    }
  }

  /** Row {@code id} is written at TXID 1 and at those that this names. */
  private static boolean isWrittenAt(int id, int txid) {
    return txid == 1 || (id * 31 + txid * 17) % 11 == 0;
  }

  private static int lastWrite(int id, int txid) {
    int last = txid;
    while (!isWrittenAt(id, last)) {
      last--;
    }
    return last;
  }

  private void write(Path replica) throws Exception {
    Path file = folder.resolve("source.db");
    TestHistory history = new TestHistory(replica, 4096);
    for (int txid = 1; txid <= TXIDS; txid++) {
      try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        if (txid == 1) {
          statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, txid INTEGER, filler TEXT)");
          statement.execute("CREATE INDEX by_txid ON t(txid, id)");
        }
        for (int id = 1; id <= ROWS; id++) {
          if (isWrittenAt(id, txid)) {
            // The filler's length changes, so that rows move between pages and the database grows
            // and splits.
            statement.execute(
                "REPLACE INTO t VALUES(%d, %d, hex(zeroblob(%d)))"
                    .formatted(id, txid, (id * txid) % 200));
          }
        }
        connection.commit();
      }
      assertEquals(txid, history.add(file).value());
    }
    assertTrue(Files.size(file) > 4 * 256 * 1024, "larger than the cache");
  }

  private static int query(String url, Random random, long end) throws SQLException {
    int count = 0;
    while (System.nanoTime() < end) {
      int txid = 1 + random.nextInt(TXIDS);
      boolean isLatest = random.nextInt(3) == 0;
      int expectedTxid = isLatest ? TXIDS : txid;
      String jdbc =
          isLatest
              ? Urls.jdbc(url, SMALL_CACHE)
              : Urls.jdbc(url, SMALL_CACHE, "txid=" + Integer.toHexString(txid));
      try (Connection connection = DriverManager.getConnection(jdbc)) {
        connection.setAutoCommit(random.nextBoolean());
        for (int i = 0; i < 20; i++) {
          count += check(connection, expectedTxid, random);
        }
      }
    }
    return count;
  }

  private static int check(Connection connection, int txid, Random random) throws SQLException {
    int from = 1 + random.nextInt(ROWS);
    String sql =
        switch (random.nextInt(4)) {
          case 0 -> "SELECT id, txid, length(filler) FROM t WHERE id = " + from;
          case 1 ->
              "SELECT id, txid, length(filler) FROM t WHERE id BETWEEN "
                  + from
                  + " AND "
                  + (from + 50);
          case 2 ->
              "SELECT id, txid, length(filler) FROM t WHERE txid = "
                  + (1 + random.nextInt(txid))
                  + " ORDER BY filler, id DESC";
          default -> "SELECT id, txid, length(filler) FROM t ORDER BY length(filler), id LIMIT 100";
        };
    int rowCount = 0;
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        int id = rows.getInt(1);
        int written = rows.getInt(2);
        assertEquals(
            lastWrite(id, txid), written, () -> "row " + id + " at TXID " + txid + ": " + sql);
        assertEquals(
            2 * ((id * written) % 200),
            rows.getInt(3),
            () -> "row " + id + " at TXID " + txid + ": " + sql);
        rowCount++;
      }
    }
    return rowCount;
  }
}
