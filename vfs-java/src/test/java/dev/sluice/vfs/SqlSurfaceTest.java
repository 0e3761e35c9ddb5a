package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/**
 * Functions and PRAGMAs over a replica whose states differ in all that SQLite may keep: rows,
 * schema, size. What a connection shows is compared with the file that the state was made from.
 */
class SqlSurfaceTest {
  private static final List<String> CHANGES =
      List.of(
          "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); " + rows(1, 40),
          rows(41, 3000),
          "UPDATE t SET v = v || '!'",
          "ALTER TABLE t ADD w DEFAULT 'w'; CREATE TABLE u AS SELECT id, w FROM t",
          "CREATE INDEX tv ON t(v)",
          "DROP TABLE u; DELETE FROM t WHERE id > 100; VACUUM",
          "ALTER TABLE t DROP COLUMN w; UPDATE t SET v = 'x'",
          rows(5001, 6000) + "; CREATE VIEW low AS SELECT * FROM t WHERE id < 9");

  @TempDir static Path dir;

  private static Path replica = Path.of("");

  /** What each TXID shows; index 0 is TXID 1. */
  private static final List<DatabaseContents> contents = new ArrayList<>();

  @BeforeAll
  static void writeHistory() throws Exception {
    Sluice.register();
    replica = dir.resolve("replica");
    Path file = dir.resolve("primary.db");
    TestHistory history = new TestHistory(replica, 4096);
    for (String change : CHANGES) {
      try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement sql = db.createStatement()) {
        sql.executeUpdate(change);
      }
      history.add(file);
      Path image = Files.copy(file, dir.resolve("image-" + contents.size() + ".db"));
      contents.add(DatabaseContents.of(image));
    }
    assertEquals(CHANGES.size(), Set.copyOf(contents).size(), "each state is another");
    Set<Long> sizes = new HashSet<>();
    contents.forEach(state -> sizes.add(state.pageCount()));
    assertTrue(sizes.size() > 3, "sizes " + sizes);
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  private static String rows(int first, int last) {
    return "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i+1 FROM n WHERE i < %d) "
            .formatted(first, last)
        + "INSERT INTO t(id, v) SELECT i, hex(i * 7919) || 'abcdefghijklmnopqrstuvwxyz' FROM n";
  }

  private static Connection open(String... parameters) throws SQLException {
    return DriverManager.getConnection(Urls.jdbc(replica.toString(), parameters));
  }

  private static int newest() {
    return contents.size();
  }

  /** Returns a time at which a TXID is the newest. */
  private static String timeOf(int txid) {
    return Instant.ofEpochMilli(1_700_000_000_000L + 1000L * txid + 1).toString();
  }

  private static String hex(int txid) {
    return "%016x".formatted(txid);
  }

  private static String value(Connection db, String sql) throws SQLException {
    return DatabaseContents.value(db, sql);
  }

  private static void assertShows(int txid, Connection db, String context) throws SQLException {
    assertEquals(hex(txid), value(db, "SELECT litestream_txid()"), context);
    assertEquals(contents.get(txid - 1), DatabaseContents.of(db), context);
    assertEquals(hex(txid), value(db, "PRAGMA litestream_txid"), context);
  }

  private static void refused(Connection db, String statement, String... words) {
    SQLiteException e = assertThrows(SQLiteException.class, () -> value(db, statement));
    for (String word : words) {
      assertTrue(String.valueOf(e.getMessage()).contains(word), e.getMessage());
    }
  }

  @Test
  void oneConnectionMovesBackAndForth(@Seeded("sluice.seed") Seed seed) throws SQLException {
    Random random = seed.random();
    try (Connection db = open()) {
      for (int step = 0; step < 60; step++) {
        int txid = 1 + random.nextInt(newest() + 1); // one beyond: LATEST
        String time = txid > newest() ? "LATEST" : timeOf(txid);
        String context = "step " + step + " to " + time;
        String move =
            random.nextBoolean()
                ? "SELECT litestream_set_time('" + time + "')"
                : "PRAGMA main.litestream_time = '" + time + "'";
        String answer = value(db, move);
        int shown = Math.min(txid, newest());
        if (random.nextInt(4) > 0) { // else the next move finds what an earlier one has cached
          assertShows(shown, db, context);
        }
        String timeOfFile = Instant.ofEpochMilli(1_700_000_000_000L + 1000L * shown).toString();
        assertEquals(timeOfFile, answer, context);
        assertEquals(timeOfFile, value(db, "SELECT litestream_time()"), context);
        assertEquals(timeOfFile, value(db, "PRAGMA litestream_time"), context);
      }
    }
  }

  @Test
  void preparedStatementsFollowTheConnection() throws SQLException {
    try (Connection db = open();
        PreparedStatement move = db.prepareStatement("SELECT litestream_set_time(?)");
        PreparedStatement all = db.prepareStatement("SELECT * FROM t WHERE id < ?");
        PreparedStatement sum =
            db.prepareStatement("SELECT count(*) || '|' || sum(length(v)) FROM t")) {
      for (int txid : new int[] {1, 8, 2, 4, 7, 3, 6, 5, 1}) {
        move.setString(1, timeOf(txid));
        move.executeQuery().close();
        all.setInt(1, 99_999);
        try (Connection image = DriverManager.getConnection(imageUrl(txid));
            PreparedStatement allThen = image.prepareStatement("SELECT * FROM t");
            ResultSet expected = allThen.executeQuery();
            ResultSet actual = all.executeQuery();
            ResultSet counted = sum.executeQuery()) {
          assertEquals(
              value(image, "SELECT count(*) || '|' || sum(length(v)) FROM t"),
              counted.getString(1),
              "TXID " + txid);
          assertEquals(texts(expected), texts(actual), "TXID " + txid);
        }
      }
    }
  }

  private static String imageUrl(int txid) {
    return "jdbc:sqlite:file:" + dir.resolve("image-" + (txid - 1) + ".db") + "?immutable=1";
  }

  private static List<String> texts(ResultSet rows) throws SQLException {
    List<String> texts = new ArrayList<>();
    while (rows.next()) {
      texts.add(rows.getString(1) + "|" + rows.getString(2));
    }
    return texts;
  }

  @Test
  void moveToTheSameViewKeepsTheCache() throws SQLException {
    try (Connection db = open()) {
      value(db, "SELECT litestream_set_time('" + timeOf(3) + "')");
      assertShows(3, db, "first");
      long before = pageReads();
      value(db, "SELECT litestream_set_time('" + timeOf(3) + "')");
      assertEquals("3000", value(db, "SELECT count(*) FROM t"));
      assertEquals(0, pageReads() - before);
    }
  }

  private static long pageReads() {
    try (Memory totals = new Memory(64)) {
      Libsluice.sluice_counters(Pointer.nativeValue(totals), 6);
      return totals.getLong(0);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"yesterday", "5 minutes ago", "2 days 3 hours ago", "now"})
  void relativeTimesAreTimes(String time) throws SQLException {
    try (Connection db = open()) {
      value(db, "SELECT litestream_set_time('" + timeOf(2) + "')");
      value(db, "SELECT litestream_set_time('" + time + "')");
      assertShows(newest(), db, time);
    }
  }

  @Test
  void refusedMoveLeavesTheConnectionWhereItIs() throws SQLException {
    try (Connection db = open()) {
      for (String set : List.of("SELECT litestream_set_time(%s)", "PRAGMA litestream_time = %s")) {
        for (int txid : new int[] {4, newest()}) {
          value(db, set.formatted(txid == newest() ? "'latest'" : "'" + timeOf(txid) + "'"));
          refused(db, set.formatted("'2023-11-14T22:13:20'"), "zone");
          refused(db, set.formatted("'soon'"), "not a time", "soon");
          refused(db, set.formatted("''"), "not a time");
          refused(db, set.formatted("'2020-01-01T00:00:00Z'"), "2020-01-01");
          assertShows(txid, db, set);
        }
      }
      refused(db, "SELECT litestream_set_time(NULL)", "NULL");
    }
  }

  @Test
  void movedConnectionMovesAlone() throws SQLException {
    try (Connection moved = open();
        Connection other = open();
        Connection transaction = open();
        Statement sql = transaction.createStatement()) {
      sql.execute("BEGIN");
      value(transaction, "SELECT count(*) FROM t");
      value(moved, "SELECT litestream_set_time('" + timeOf(2) + "')");
      assertShows(newest(), other, "other");
      refused(transaction, "SELECT litestream_set_time('" + timeOf(2) + "')", "transaction");
      assertShows(newest(), transaction, "in a transaction");
      sql.execute("COMMIT");
      value(transaction, "SELECT litestream_set_time('" + timeOf(1) + "')");
      sql.execute("BEGIN");
      assertShows(1, transaction, "a transaction in the past");
      refused(transaction, "PRAGMA litestream_time = LATEST", "transaction");
      assertShows(1, transaction, "a transaction in the past");
      sql.execute("COMMIT");
      assertShows(2, moved, "moved");
    }
  }

  @Test
  void attachedReplicasMoveByTheirSchema() throws SQLException {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite::memory:");
        Statement sql = db.createStatement()) {
      String uri = Urls.jdbc(replica.toString()).substring("jdbc:sqlite:".length());
      sql.execute("ATTACH '" + uri + "' AS a");
      sql.execute("ATTACH '" + uri + "' AS b");
      value(db, "SELECT litestream_set_time('" + timeOf(1) + "', 'b')");
      value(db, "PRAGMA a.litestream_time = '" + timeOf(2) + "'");
      assertEquals(
          hex(2) + hex(1), value(db, "SELECT litestream_txid('a') || litestream_txid('b')"));
      assertEquals(
          "3000|40",
          value(db, "SELECT (SELECT count(*) FROM a.t) || '|' || (SELECT count(*) FROM b.t)"));
      value(db, "SELECT litestream_set_time('latest', 'b')");
      assertEquals(hex(newest()), value(db, "SELECT litestream_txid('b')"));
      refused(db, "SELECT litestream_set_time('latest')", "not a replica");
      refused(db, "SELECT litestream_wait_txid('1', 1)", "not a replica");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"txid=2", "timestamp=2023-11-14T22:13:23Z", "immutable=1", "nolock=1"})
  void fixedViewStaysFixed(String parameter) throws SQLException {
    try (Connection db = open(parameter)) {
      int txid = parameter.startsWith("t") ? 2 : newest();
      refused(db, "SELECT litestream_set_time('" + timeOf(1) + "')", "fixed at open");
      refused(db, "PRAGMA litestream_time = LATEST", "fixed at open");
      refused(db, "SELECT litestream_wait_txid('1', 1)", "fixed at open");
      assertShows(txid, db, parameter);
    }
  }

  @Test
  void waitForWhatIsThereEndsAtOnce() throws SQLException {
    try (Connection db = open()) {
      for (String txid : List.of("1", "0x3", hex(newest()))) {
        assertEquals(
            hex(newest()), value(db, "SELECT litestream_wait_txid('" + txid + "', 0)"), txid);
        assertEquals(
            hex(newest()),
            value(db, "SELECT litestream_wait_txid('" + txid + "', 10.5, 'main')"),
            txid);
      }
    }
  }

  @Test
  void waitThatMakesNoSenseIsRefused() throws SQLException {
    try (Connection db = open();
        Statement sql = db.createStatement()) {
      refused(db, "SELECT litestream_wait_txid('xyz', 1)", "xyz");
      refused(db, "SELECT litestream_wait_txid('1', 'soon')", "seconds", "soon");
      refused(db, "SELECT litestream_wait_txid('1', -1)", "seconds", "-1");
      refused(db, "SELECT litestream_wait_txid('1', 1e12)", "seconds");
      sql.execute("BEGIN");
      refused(db, "SELECT litestream_wait_txid('1', 1)", "transaction");
      sql.execute("COMMIT");
      value(db, "SELECT litestream_set_time('" + timeOf(2) + "')");
      refused(db, "SELECT litestream_wait_txid('1', 1)", "LATEST");
      assertShows(2, db, "after refusals");
    }
  }

  @Test
  void waitForWhatDoesNotComeEndsAtItsLimit() throws SQLException {
    try (Connection db = open()) {
      long start = System.nanoTime();
      refused(db, "SELECT litestream_wait_txid('ff', 0.3)", hex(0xff));
      assertTrue(System.nanoTime() - start < 5_000_000_000L);
      assertShows(newest(), db, "after the wait");
    }
  }

  @Test
  void lagIsOfTheViewThatIsRead() throws SQLException {
    try (Connection db = open();
        Connection past = open("txid=2")) {
      for (String question : List.of("SELECT litestream_lag()", "PRAGMA litestream_lag")) {
        assertTrue(Long.parseLong(value(db, question)) >= 0, question);
        assertEquals("-1", value(past, question));
        value(db, "SELECT litestream_set_time('" + timeOf(3) + "')");
        assertEquals("-1", value(db, question));
        value(db, "SELECT litestream_set_time('latest')");
      }
      assertEquals("integer", value(db, "SELECT typeof(litestream_lag())"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "poll_interval=0s",
        "poll_interval=often",
        "rescue_bytes=-1",
        "rescue_bytes=many",
        "page_cache_size=0",
        "read_timeout=-1s",
        "cache_dir="
      })
  void badSettingIsNamed(String parameter) {
    SQLiteException e = assertThrows(SQLiteException.class, () -> open(parameter).close());
    assertEquals(14, e.getResultCode().code, e.getMessage());
    String name = parameter.substring(0, parameter.indexOf('='));
    assertTrue(String.valueOf(e.getMessage()).contains(name + ": "), e.getMessage());
  }

  @Test
  void goodSettingsAreTaken() throws SQLException {
    try (Connection db =
        open("poll_interval=250ms", "rescue_bytes=0", "cache_dir=" + dir.resolve("cache"))) {
      assertShows(newest(), db, "settings");
      assertNotEquals("", value(db, "SELECT litestream_txid()"));
    }
    try (Connection db =
        DriverManager.getConnection(
            Urls.jdbc(replica.toString(), "rescue_bytes=1MiB", "poll_interval=1m"))) {
      assertShows(newest(), db, "settings");
    }
  }
}
