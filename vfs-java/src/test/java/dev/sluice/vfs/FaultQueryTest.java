package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import dev.sluice.testkit.Storm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * Eight connections query a replica on a socket that breaks requests at random while new TXIDs
 * come: the rows of exactly one TXID, or one of the codes that are documented; and when the faults
 * have ended the next statement of each connection works.
 */
class FaultQueryTest {
  private static final int THREADS = 8;
  private static final int TXIDS = 40;
  private static final int FIRST_TXIDS = 5;
  private static final int ROWS = 1500;
  private static final Duration STORM = Duration.ofSeconds(7);
  private static final Duration BETWEEN_TXIDS = Duration.ofMillis(250);
  private static final Duration LIMIT = Duration.ofSeconds(20);

  /** Of half of the threads. */
  private static final Duration RECOVERY = Duration.ofMillis(2500);

  /** Of the last one, on a machine whose threads may all stand still for seconds. */
  private static final Duration LONGEST_RECOVERY = Duration.ofSeconds(10);

  /** Of all who ask the largest counts. */
  private static final String SMALL_CACHE = "page_cache_size=64KiB";

  private static final Set<SQLiteErrorCode> DOCUMENTED =
      Set.of(SQLiteErrorCode.SQLITE_CANTOPEN, SQLiteErrorCode.SQLITE_IOERR_READ);

  @TempDir Path folder;

  private final FaultProxy proxy = FaultProxy.before(S3Server.shared().endpoint());
  private final TestBucket bucket = TestBucket.of(List.of()).through(proxy.endpoint());
  private final AtomicInteger exact = new AtomicInteger();
  private final AtomicInteger failed = new AtomicInteger();
  private final CountDownLatch healed = new CountDownLatch(1);
  private volatile long healedNanos;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @AfterEach
  void close() {
    proxy.close();
  }

  @Test
  void rowsAreOfOneTxidOrTheStatementFailsAndTheNextOneWorks(@Seeded("sluice.seed") Seed seed)
      throws Exception {
    List<byte[]> files = history();
    int fed = 0;
    while (fed < FIRST_TXIDS) {
      fed = feed(files, fed);
    }
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    // The client's own start may take longer than a read may.
    try (Connection first = DriverManager.getConnection(Urls.jdbc(bucket.url(), SMALL_CACHE))) {
      run(first, "SELECT count(*) FROM t");
      List<Future<Long>> results = new ArrayList<>();
      List<Connection> connections = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        connections.add(DriverManager.getConnection(url()));
      }
      for (int i = 0; i < THREADS; i++) {
        Connection connection = connections.get(i);
        Random random = new Random(seed.value() + i);
        results.add(threads.submit((Callable<Long>) () -> query(connection, random)));
      }
      Random random = new Random(~seed.value());
      long end = System.nanoTime() + STORM.toNanos();
      while (System.nanoTime() < end) {
        proxy.heal();
        Storm.Kind kind = random.nextInt(4) == 0 ? Storm.Kind.HANGING : Storm.Kind.MIXED;
        proxy.inject(new Storm(kind, new Random(random.nextLong())));
        for (int i = 0; i < 4; i++) {
          fed = feed(files, fed);
          LockSupport.parkNanos(BETWEEN_TXIDS.toNanos());
        }
      }
      proxy.heal();
      healedNanos = System.nanoTime();
      healed.countDown();
      fed = feed(files, fed);
      List<Long> nanos = new ArrayList<>();
      for (Future<Long> result : results) {
        nanos.add(result.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
      }
      Collections.sort(nanos);
      try (Statement statement = connections.get(0).createStatement();
          ResultSet txid =
              statement.executeQuery("SELECT litestream_wait_txid('%x', 10)".formatted(fed))) {
        assertEquals(fed, Integer.parseInt(txid.getString(1), 16));
      }
      long median = TimeUnit.NANOSECONDS.toMillis(nanos.get(THREADS / 2));
      long millis = TimeUnit.NANOSECONDS.toMillis(nanos.get(THREADS - 1));
      System.out.printf(
          "%d exact queries, %d failed; all work again after %d ms%n",
          exact.get(), failed.get(), millis);
      for (Connection connection : connections) {
        connection.close();
      }
      assertTrue(exact.get() > failed.get(), exact + " exact, " + failed + " failed");
      assertTrue(median <= RECOVERY.toMillis(), "half of them after " + median + " ms");
      assertTrue(millis <= LONGEST_RECOVERY.toMillis(), "after " + millis + " ms");
    } finally {
      healed.countDown();
      threads.shutdownNow();
    }
    assertTrue(threads.awaitTermination(LIMIT.toSeconds(), TimeUnit.SECONDS), "a thread is stuck");
  }

  private String url(String... more) {
    List<String> parameters =
        new ArrayList<>(List.of("read_timeout=2s", "poll_interval=200ms", SMALL_CACHE));
    parameters.addAll(List.of(more));
    return Urls.jdbc(bucket.url(), parameters.toArray(String[]::new));
  }

  private int feed(List<byte[]> files, int fed) {
    if (fed == files.size()) {
      return fed;
    }
    int txid = fed + 1;
    S3Server.shared()
        .put(bucket.bucket(), "app/db/0000/%016x-%016x.ltx".formatted(txid, txid), files.get(fed));
    return txid;
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

  private static int fillerBytes(int id, int txid) {
    return 1 + (id * txid) % 300;
  }

  /** Returns the file of each TXID. */
  private List<byte[]> history() throws Exception {
    Path file = folder.resolve("source.db");
    Path replica = folder.resolve("replica");
    TestHistory history = new TestHistory(replica, 4096);
    List<byte[]> files = new ArrayList<>();
    for (int txid = 1; txid <= TXIDS; txid++) {
      try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        if (txid == 1) {
          statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, txid INTEGER, filler TEXT)");
        }
        for (int id = 1; id <= ROWS; id++) {
          if (isWrittenAt(id, txid)) {
            statement.execute(
                "REPLACE INTO t VALUES(%d, %d, hex(randomblob(%d)))"
                    .formatted(id, txid, fillerBytes(id, txid)));
          }
        }
        connection.commit();
      }
      history.add(file);
      files.add(Files.readAllBytes(replica.resolve("ltx/0/%016x-%016x.ltx".formatted(txid, txid))));
    }
    return files;
  }

  /** Returns how long after healing the first query that began before or after it went well. */
  private long query(Connection connection, Random random) throws Exception {
    while (true) {
      boolean isHealed = healed.getCount() == 0;
      try {
        if (random.nextInt(4) == 0) {
          queryPast(random);
        } else {
          run(connection, "BEGIN");
          check(connection, random);
          run(connection, "COMMIT");
        }
        exact.incrementAndGet();
        if (isHealed) {
          return System.nanoTime() - healedNanos;
        }
      } catch (SQLiteException e) {
        assertTrue(DOCUMENTED.contains(e.getResultCode()), () -> "" + e);
        failed.incrementAndGet();
        endTransaction(connection);
      }
    }
  }

  /** After some failures SQLite has ended it already. */
  private static void endTransaction(Connection connection) {
    try {
      run(connection, "ROLLBACK");
    } catch (SQLException e) {
      // There was none.
    }
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private void queryPast(Random random) throws SQLException {
    int txid = 1 + random.nextInt(FIRST_TXIDS);
    try (Connection past = DriverManager.getConnection(url("txid=" + txid))) {
      assertEquals(txid, check(past, random));
    }
  }

  /** Checks some rows against the TXID of the view; returns it. */
  private static int check(Connection connection, Random random) throws SQLException {
    int from = 1 + random.nextInt(ROWS - 30);
    try (Statement statement = connection.createStatement()) {
      int txid;
      try (ResultSet row =
          statement.executeQuery("SELECT litestream_txid(), count(*) FROM t WHERE id < 3")) {
        txid = Integer.parseInt(row.getString(1), 16);
      }
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT id, txid, length(filler) FROM t WHERE id BETWEEN %d AND %d"
                  .formatted(from, from + 30))) {
        int count = 0;
        while (rows.next()) {
          int id = rows.getInt(1);
          int written = rows.getInt(2);
          assertEquals(lastWrite(id, txid), written, () -> "row " + id + " at TXID " + txid);
          assertEquals(2 * fillerBytes(id, written), rows.getInt(3), () -> "row " + id);
          count++;
        }
        assertEquals(31, count);
      }
      return txid;
    }
  }
}
