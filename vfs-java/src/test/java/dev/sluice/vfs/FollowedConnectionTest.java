package dev.sluice.vfs;

import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.Control;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What connections show while the primary goes on, and when another database takes its place. */
class FollowedConnectionTest {
  private static final Duration SURELY = Duration.ofSeconds(60);
  private static final String WAIT = "SELECT litestream_wait_txid('%x', 30)";

  @TempDir Path dir;

  private Path replica = Path.of("");
  private Primary primary = new Primary("none");

  /** A database file and what its states show. */
  private final class Primary {
    private final String name;
    private final TestHistory history;
    final List<DatabaseContents> contents = new ArrayList<>();

    Primary(String name) {
      this.name = name;
      this.history = new TestHistory(replica, 4096);
    }

    /** Commits a transaction and ships it; returns its TXID. */
    int commit(String sql) throws SQLException, IOException {
      Path file = dir.resolve(name + ".db");
      try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement statement = db.createStatement()) {
        statement.executeUpdate(sql);
      }
      contents.add(DatabaseContents.of(Files.copy(file, dir.resolve(name + contents.size()))));
      history.add(file);
      return contents.size();
    }

    void shows(int txid, Connection db) throws SQLException {
      assertEquals("%016x".formatted(txid), value(db, "SELECT litestream_txid()"));
      assertEquals(contents.get(txid - 1), DatabaseContents.of(db), "TXID " + txid);
    }
  }

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @BeforeEach
  void begin() throws Exception {
    replica = dir.resolve("replica");
    primary = new Primary("first");
    primary.commit(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
            + " SELECT i+1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, hex(i * 7919) FROM n");
    primary.commit("UPDATE t SET v = v || 'abc' WHERE id % 3 = 0");
  }

  private Connection open(String... parameters) throws SQLException {
    List<String> all = new ArrayList<>(List.of(parameters));
    all.add("poll_interval=40ms");
    return DriverManager.getConnection(Urls.jdbc(replica.toString(), all.toArray(String[]::new)));
  }

  private static String value(Connection db, String sql) throws SQLException {
    return DatabaseContents.value(db, sql);
  }

  @Test
  void waitEndsWhenTheTxidIsThere() throws Exception {
    try (Connection db = open();
        Connection pinned = open();
        Statement statement = pinned.createStatement()) {
      statement.execute("BEGIN");
      primary.shows(2, pinned);
      for (int txid = 3; txid <= 8; txid++) {
        CompletableFuture<String> reached = new CompletableFuture<>();
        String wait = WAIT.formatted(txid);
        Thread waiting =
            new Thread(
                () -> {
                  try {
                    reached.complete(value(db, wait));
                  } catch (SQLException | RuntimeException e) {
                    reached.completeExceptionally(e);
                  }
                });
        waiting.start();
        long end = System.nanoTime() + SURELY.toNanos();
        while (waiting.getState() != Thread.State.TIMED_WAITING) {
          assertTrue(System.nanoTime() < end && !reached.isDone(), () -> "no wait: " + reached);
          Thread.onSpinWait();
        }
        primary.commit(
            txid % 2 == 0
                ? "CREATE TABLE t" + txid + " AS SELECT * FROM t"
                : "DELETE FROM t WHERE id % 10 = " + txid + "; VACUUM");
        assertEquals("%016x".formatted(txid), reached.get(SURELY.toSeconds(), TimeUnit.SECONDS));
        primary.shows(txid, db);
        primary.shows(2, pinned);
        SQLiteException e = assertThrows(SQLiteException.class, () -> value(pinned, wait));
        assertTrue(String.valueOf(e.getMessage()).contains("transaction"), e.getMessage());
      }
      statement.execute("COMMIT");
      primary.shows(8, pinned);
    }
  }

  @Test
  void movedConnectionStaysWhileOthersFollow() throws Exception {
    try (Connection moved = open();
        Connection fixed = open("txid=1");
        Connection other = open()) {
      String time = Instant.ofEpochMilli(1_700_000_001_001L).toString();
      value(moved, "SELECT litestream_set_time('" + time + "')");
      primary.shows(1, moved);
      for (int txid = 3; txid <= 6; txid++) {
        primary.commit("INSERT INTO t(v) SELECT 'new" + txid + "' FROM t LIMIT 500");
        value(other, WAIT.formatted(txid));
        primary.shows(txid, other);
        primary.shows(1, moved);
        primary.shows(1, fixed);
      }
      value(moved, "SELECT litestream_set_time('LATEST')");
      primary.shows(6, moved);
    }
  }

  @Test
  void primaryThatWasRestoredHasItsOwnSchema() throws Exception {
    primary.commit("CREATE TABLE a(x); INSERT INTO a VALUES ('row of a')");
    try (Connection followed = open();
        Connection moved = open();
        Statement prepared = followed.createStatement()) {
      assertEquals("row of a", value(followed, "SELECT x FROM a"));
      assertEquals("row of a", value(moved, "SELECT x FROM a"));
      // Both tables have the same root page, and both states the same schema cookie.
      Files.copy(dir.resolve("first1"), dir.resolve("first.db"), REPLACE_EXISTING);
      primary.commit("CREATE TABLE b(x); INSERT INTO b VALUES ('row of b')");
      value(followed, WAIT.formatted(4));
      assertThrows(SQLException.class, () -> prepared.executeQuery("SELECT x FROM a"));
      primary.shows(4, followed);
      primary.shows(4, moved);
      for (int txid : new int[] {3, 4, 3, 1}) {
        String time = Instant.ofEpochMilli(1_700_000_000_001L + 1000L * txid).toString();
        value(moved, "SELECT litestream_set_time('" + time + "')");
        primary.shows(txid, moved);
      }
      value(moved, "SELECT litestream_set_time('LATEST')");
      primary.shows(4, moved);
    }
  }

  @Test
  void connectionsBeyondTheSlotsFollowToo() throws Exception {
    List<Connection> connections = new ArrayList<>();
    try {
      for (int i = 0; i < Control.SLOTS + 6; i++) {
        connections.add(open());
      }
      List<Connection> last = connections.subList(Control.SLOTS - 2, connections.size());
      for (Connection db : last) {
        db.setAutoCommit(false);
        primary.shows(2, db);
      }
      primary.commit("DELETE FROM t WHERE id > 200; VACUUM");
      value(connections.get(0), WAIT.formatted(3));
      for (Connection db : last) {
        primary.shows(2, db);
        db.rollback();
        primary.shows(3, db);
        db.rollback();
      }
    } finally {
      for (Connection db : connections) {
        db.close();
      }
    }
  }

  @Test
  void lagIsOfThePinnedView() throws Exception {
    try (Connection pinned = open();
        Connection other = open();
        Statement statement = pinned.createStatement()) {
      statement.execute("BEGIN");
      primary.shows(2, pinned);
      assertTrue(lag(pinned) <= 1, "an idle primary");
      primary.commit("DELETE FROM t WHERE id < 9");
      value(other, WAIT.formatted(3));
      assertThrows(
          SQLiteException.class, () -> value(other, "SELECT litestream_wait_txid('ff', 2.5)"));
      assertTrue(lag(pinned) >= 2, "the pinned view is old: " + lag(pinned));
      assertTrue(lag(other) <= 1, "the latest is not: " + lag(other));
      statement.execute("COMMIT");
      assertTrue(lag(pinned) <= 1, "the next transaction reads the latest");
    }
  }

  private static long lag(Connection db) throws SQLException {
    long lag = Long.parseLong(value(db, "SELECT litestream_lag()"));
    assertTrue(lag >= 0, "lag " + lag);
    return lag;
  }

  /** Another database under the same prefix: TXIDs 1 to 3 once more, with other contents. */
  @Test
  void replacedReplicaIsAnErrorThatNamesBothUntilTheConnectionIsClosed() throws Exception {
    try (Connection latest = open();
        Connection pinned = open();
        Connection moved = open();
        Connection movedInTransaction = open();
        Connection fixed = open("txid=1");
        Connection immutable = open("immutable=1");
        Connection unread = open();
        Statement pin = pinned.createStatement();
        Statement pinMoved = movedInTransaction.createStatement()) {
      String time = Instant.ofEpochMilli(1_700_000_001_001L).toString();
      value(moved, "SELECT litestream_set_time('" + time + "')");
      value(movedInTransaction, "SELECT litestream_set_time('" + time + "')");
      primary.shows(2, latest);
      primary.shows(1, moved);
      primary.shows(1, fixed);
      primary.shows(2, immutable);
      pin.execute("BEGIN");
      primary.shows(2, pinned);
      pinMoved.execute("BEGIN");
      primary.shows(1, movedInTransaction);

      try (var files = Files.walk(replica)) {
        for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
      Primary second = new Primary("second");
      second.commit("CREATE TABLE other(x); INSERT INTO other VALUES (1)");
      second.commit("INSERT INTO other SELECT hex(zeroblob(3000))");
      second.commit("INSERT INTO other VALUES ('third')");
      String reason = awaitError(latest);
      assertTrue(reason.contains("replaced") && reason.contains("has become"), reason);

      primary.shows(2, pinned); // what SQLite has cached, without a new transaction
      primary.shows(1, movedInTransaction);
      pin.execute("COMMIT");
      pinMoved.execute("COMMIT");
      for (Connection db : List.of(latest, pinned, moved, movedInTransaction)) {
        for (int i = 0; i < 2; i++) {
          fails(db, "SELECT count(*) FROM t", reason);
          SQLiteException e =
              assertThrows(SQLiteException.class, () -> value(db, "SELECT litestream_txid()"));
          assertTrue(String.valueOf(e.getMessage()).contains("has become"), e.getMessage());
        }
      }
      for (Connection db : List.of(fixed, immutable)) {
        try (Statement statement = db.createStatement()) {
          statement.execute("PRAGMA shrink_memory");
        }
        fails(db, "SELECT sum(length(v)) FROM t", reason);
      }
      fails(unread, "SELECT count(*) FROM t", reason);
      for (String move : List.of("SELECT litestream_set_time('latest')", WAIT.formatted(1))) {
        SQLiteException e = assertThrows(SQLiteException.class, () -> value(latest, move));
        assertTrue(String.valueOf(e.getMessage()).contains("has become"), e.getMessage());
      }
      try (Connection anew = open()) {
        second.shows(3, anew);
        fails(latest, "SELECT count(*) FROM t", reason);
      }
    }
  }

  private static String awaitError(Connection db) throws SQLException {
    long end = System.nanoTime() + SURELY.toNanos();
    String error = "";
    while (!error.contains("replaced")) {
      assertTrue(System.nanoTime() < end, "no end: " + error);
      error = value(db, "PRAGMA litestream_error");
      Thread.onSpinWait();
    }
    return error;
  }

  private static void fails(Connection db, String query, String reason) throws SQLException {
    SQLiteException e = assertThrows(SQLiteException.class, () -> value(db, query));
    assertEquals(SQLiteErrorCode.SQLITE_IOERR_READ, e.getResultCode(), e.getMessage());
    assertEquals(reason, value(db, "PRAGMA litestream_error"));
    assertNotEquals("", reason);
  }
}
