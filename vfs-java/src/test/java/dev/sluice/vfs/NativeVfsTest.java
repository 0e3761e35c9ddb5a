package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/** The C side over a plain database image: what SQLite sees, what it costs, and how it fails. */
class NativeVfsTest {
  private static final FakeBackend backend = new FakeBackend();
  private static FakeBackend.Database plain = plainLater();

  @TempDir static Path dir;

  @SuppressWarnings("NullAway") // set before the first test
  private static FakeBackend.Database plainLater() {
    return null;
  }

  @BeforeAll
  static void registerVfs() throws Exception {
    Sluice.register(backend, name -> Optional.empty());
    plain = backend.add("fake:plain", image("plain.db", 4096, "DELETE"), 8);
    backend.add("fake:other", image("other.db", 1024, "DELETE"), 8);
    backend.add("fake:wal", image("wal.db", 4096, "WAL"), 8);
    backend.add("fake:slotless", image("slotless.db", 4096, "DELETE"), 0);
  }

  @AfterAll
  static void unregisterVfs() {
    Sluice.unregister();
  }

  @AfterEach
  void nothingIsLeftOpen() {
    backend.openFailure = null;
    backend.readFailure = null;
    backend.pinFailure = null;
    assertEquals(0, backend.openFiles.get(), "files open in Java");
    assertEquals(0, counters()[5], "files open in C");
    for (FakeBackend.Database database : backend.databases.values()) {
      assertEquals(0, database.control.claimedSlots(), "slots claimed");
    }
  }

  private static Path image(String name, int pageSize, String journalMode) throws SQLException {
    Path path = dir.resolve(name);
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + path);
        Statement sql = db.createStatement()) {
      sql.execute("PRAGMA page_size=" + pageSize);
      sql.execute("PRAGMA journal_mode=" + journalMode);
      sql.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w BLOB)");
      sql.execute(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000)"
              + " INSERT INTO t SELECT i, hex(i*7919%1000)||'"
              + name
              + "', zeroblob(i%300) FROM n");
      sql.execute("CREATE INDEX tv ON t(v)");
    }
    return path;
  }

  private static Connection open(String url, String more) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:sqlite:file:label?vfs=litestream&replica_url=" + url + more);
  }

  private static List<String> rows(Connection db, String query) throws SQLException {
    try (Statement sql = db.createStatement();
        ResultSet result = sql.executeQuery(query)) {
      List<String> rows = new ArrayList<>();
      while (result.next()) {
        StringBuilder row = new StringBuilder();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.append(i == 1 ? "" : "|").append(result.getString(i));
        }
        rows.add(row.toString());
      }
      return rows;
    }
  }

  private static String one(Connection db, String query) throws SQLException {
    return rows(db, query).get(0);
  }

  /**
   * Page reads, header reads, locks, pins through Java, reads from page stores, open files, mapped
   * memories, page stores.
   */
  private static long[] counters() {
    try (Memory totals = new Memory(64)) {
      assertEquals(8, Libsluice.sluice_counters(com.sun.jna.Pointer.nativeValue(totals), 8));
      return totals.getLongArray(0, 8);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "&mode=ro", "&mode=rw", "&immutable=1", "&nolock=1", "&txid=3"})
  void rowsAreThoseOfTheFile(String more) throws SQLException {
    String sum = "SELECT count(*), sum(id), sum(length(w)), group_concat(v) FROM t";
    try (Connection replica = open("fake:plain", more);
        Connection file = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("plain.db"))) {
      assertEquals(one(file, sum), one(replica, sum));
      assertEquals(one(file, "PRAGMA page_count"), one(replica, "PRAGMA page_count"));
      assertEquals("ok", one(replica, "PRAGMA integrity_check"));
      assertEquals(
          rows(file, "SELECT id, v FROM t ORDER BY v, id DESC"),
          rows(replica, "SELECT id, v FROM t ORDER BY v, id DESC"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 2048, 8192, 16384, 32768, 65536})
  void everyPageSizeIsRead(int pageSize) throws Exception {
    backend.add("fake:size", image("size-" + pageSize + ".db", pageSize, "DELETE"), 4);
    try (Connection replica = open("fake:size", "")) {
      assertEquals("ok", one(replica, "PRAGMA integrity_check"));
      assertEquals(
          "3000|" + pageSize,
          one(replica, "SELECT count(*), (SELECT page_size FROM pragma_page_size) FROM t"));
    }
    backend.databases.remove("fake:size");
  }

  @Test
  void imageInWalModeIsRead() throws SQLException {
    try (Connection replica = open("fake:wal", "")) {
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      assertEquals("ok", one(replica, "PRAGMA integrity_check"));
    }
  }

  @Test
  void strayFilesBesideTheNameAreIgnored() throws Exception {
    Path label = dir.resolve("stray.db");
    for (String suffix : List.of("-journal", "-wal", "-shm")) {
      Files.write(
          dir.resolve("stray.db" + suffix),
          new byte[] {
            (byte) 0xd9,
            (byte) 0xd5,
            5,
            (byte) 0xf9,
            0x20,
            (byte) 0xa1,
            0x63,
            (byte) 0xd7,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8
          });
    }
    try (Connection replica =
        DriverManager.getConnection(
            "jdbc:sqlite:file:" + label + "?vfs=litestream&replica_url=fake:plain")) {
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
    }
    assertTrue(Files.exists(dir.resolve("stray.db-journal")));
  }

  @Test
  void bigSortGoesThroughTemporaryFiles() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("PRAGMA cache_size=5");
      sql.execute("PRAGMA temp_store=FILE");
      sql.execute(
          "CREATE TEMP TABLE big AS SELECT a.id AS x, hex(randomblob(100)) AS y FROM t a, (SELECT 1 FROM t LIMIT 20)");
      assertEquals("60000", one(replica, "SELECT count(*) FROM (SELECT * FROM big ORDER BY y)"));
    }
  }

  @Test
  void exclusiveLockingModeReads() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      rows(replica, "PRAGMA locking_mode=EXCLUSIVE");
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      assertEquals("3000", one(replica, "SELECT count(v) FROM t"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "INSERT INTO t(id) VALUES (99999)",
        "CREATE TABLE u(x)",
        "DELETE FROM t",
        "VACUUM",
        "BEGIN IMMEDIATE; DROP TABLE t"
      })
  void writesAreReadOnlyErrors(String statement) throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      SQLiteException e = assertThrows(SQLiteException.class, () -> sql.executeUpdate(statement));
      assertEquals(8, e.getResultCode().code & 0xff, e.getMessage());
    }
  }

  @Test
  void severalReplicasAttach() throws SQLException {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:file:" + dir.resolve("own.db"));
        Statement sql = db.createStatement()) {
      sql.execute("ATTACH 'file:a?vfs=litestream&replica_url=fake:plain' AS a");
      sql.execute("ATTACH 'file:b?vfs=litestream&replica_url=fake:other&txid=3' AS b");
      assertEquals(
          "3000|3000", one(db, "SELECT (SELECT count(*) FROM a.t), (SELECT count(*) FROM b.t)"));
      assertEquals(
          "0000000000000005|0000000000000003",
          one(db, "SELECT litestream_txid('a'), litestream_txid('b')"));
      sql.execute("CREATE TABLE own AS SELECT id FROM a.t WHERE id < 10");
      assertEquals("9", one(db, "SELECT count(*) FROM own"));
      SQLiteException e =
          assertThrows(SQLiteException.class, () -> one(db, "SELECT litestream_txid()"));
      assertTrue(String.valueOf(e.getMessage()).contains("not a replica"), e.getMessage());
    }
  }

  @Test
  void repeatedQueryReadsNoPage() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH 'file:b?vfs=litestream&replica_url=fake:other' AS b");
      String query = "SELECT sum(length(v)) FROM t UNION ALL SELECT sum(length(v)) FROM b.t";
      List<String> first = rows(replica, query);
      long[] before = counters();
      assertEquals(first, rows(replica, query));
      long[] after = counters();
      assertEquals(0, after[0] - before[0], "page reads");
      assertEquals(2, after[1] - before[1], "header reads, one a database");
      assertEquals(2, after[2] - before[2], "locks, one a database");
      assertEquals(0, after[3] - before[3], "pins through Java");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT 1",
        "CREATE TEMP TABLE x(n)",
        "CREATE TABLE local.x(n)",
        "ALTER TABLE local.o ADD n"
      })
  void unchangedAttachedReplicaIsNotReadAgain(String between) throws SQLException {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite::memory:");
        Statement sql = db.createStatement()) {
      sql.execute("ATTACH ':memory:' AS local");
      sql.execute("CREATE TABLE local.o(x)");
      sql.execute("ATTACH 'file:a?vfs=litestream&replica_url=fake:plain' AS a");
      String query = "SELECT sum(length(v)) FROM a.t";
      String first = one(db, query);
      long before = counters()[0];
      sql.execute(between);
      assertEquals(first, one(db, query));
      assertEquals(0, counters()[0] - before, "page reads");
    }
  }

  @Test
  void pinsGoThroughJavaWhereThereIsNoSlot() throws SQLException {
    long before = counters()[3];
    try (Connection replica = open("fake:slotless", "")) {
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
    }
    assertTrue(counters()[3] > before);
  }

  @Test
  void functionsAndPragmasSayTheSame() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      assertEquals("0000000000000005", one(replica, "SELECT litestream_txid()"));
      assertEquals("0000000000000005", one(replica, "PRAGMA litestream_txid"));
      assertEquals("2023-11-14T22:13:20Z", one(replica, "SELECT litestream_time()"));
      assertEquals("2023-11-14T22:13:20Z", one(replica, "PRAGMA litestream_time"));
      assertEquals(
          "integer|0", one(replica, "SELECT typeof(litestream_lag()), litestream_lag('main')"));
      assertEquals("null", one(replica, "SELECT litestream_error()"));
      assertEquals("0", one(replica, "PRAGMA litestream_hydration_progress"));
      assertEquals("", one(replica, "PRAGMA litestream_hydration_file"));
      assertThrows(SQLiteException.class, () -> one(replica, "PRAGMA litestream_txid=7"));
    }
  }

  @Test
  void movedConnectionPinsThroughJavaUntilItIsMovedBack() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      assertEquals("5 within 2.5", one(replica, "SELECT litestream_wait_txid(5, 2.5)"));
      assertEquals(
          "2023-11-14T22:13:20Z", one(replica, "SELECT litestream_set_time('then', 'main')"));
      assertEquals("0000000000000003", one(replica, "SELECT litestream_txid()"));
      assertEquals("-1", one(replica, "PRAGMA litestream_lag"));
      refused(replica, "SELECT litestream_wait_txid('5', 2)", "LATEST");
      refused(replica, "PRAGMA litestream_time = 'never'", "not a time: never");
      long pins = counters()[3];
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      assertEquals(1, counters()[3] - pins);
      one(replica, "PRAGMA litestream_time = LATEST");
      assertEquals("0000000000000005", one(replica, "SELECT litestream_txid()"));
      pins = counters()[3];
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      assertEquals(0, counters()[3] - pins);
    }
  }

  private static final List<String> MOVES =
      List.of(
          "SELECT litestream_set_time('then')",
          "PRAGMA main.litestream_time = 'then'",
          "SELECT litestream_wait_txid('5', 1)");

  @Test
  void viewDoesNotMoveInsideATransaction() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      for (String move : MOVES) {
        sql.execute("BEGIN");
        refused(replica, move, "transaction");
        one(replica, "SELECT count(*) FROM t");
        refused(replica, move, "transaction");
        sql.execute("COMMIT");
        try (ResultSet half = sql.executeQuery("SELECT id FROM t")) {
          assertTrue(half.next());
          refused(replica, move, "transaction");
        }
      }
      refused(replica, "SELECT litestream_set_time('then') FROM t", "transaction");
      assertEquals("0000000000000005", one(replica, "SELECT litestream_txid()"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"&txid=3", "&immutable=1", "&nolock=1"})
  void fixedViewDoesNotMove(String more) throws SQLException {
    try (Connection replica = open("fake:plain", more)) {
      for (String move : MOVES) {
        refused(replica, move, "fixed at open");
      }
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
    }
  }

  @Test
  void argumentsThatAreMissingOrTooLongAreRefused() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      refused(replica, "SELECT litestream_set_time(NULL)", "NULL");
      refused(replica, "SELECT litestream_wait_txid('5', NULL)", "NULL");
      refused(replica, "SELECT litestream_wait_txid(hex(zeroblob(999)), 12)", "too long");
      refused(replica, "SELECT litestream_set_time(hex(zeroblob(9999)))", "too long");
      refused(replica, "SELECT litestream_set_time('then', 'nowhere')", "not a replica");
      refused(replica, "SELECT litestream_set_time()", "wrong number of arguments");
      refused(replica, "SELECT litestream_wait_txid('5')", "wrong number of arguments");
    }
  }

  private static void refused(Connection db, String statement, String word) {
    SQLiteException e = assertThrows(SQLiteException.class, () -> one(db, statement));
    assertTrue(String.valueOf(e.getMessage()).contains(word), e.getMessage());
    assertEquals(1, e.getResultCode().code & 0xff, e.getMessage());
  }

  @Test
  void failedPinIsAReadErrorThatSaysWhy() throws SQLException {
    try (Connection replica = open("fake:slotless", "")) {
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      backend.pinFailure = new IOException("the replica was replaced: a is b");
      SQLiteException e =
          assertThrows(SQLiteException.class, () -> one(replica, "SELECT count(*) FROM t"));
      assertEquals(266, e.getResultCode().code, e.getMessage());
      e = assertThrows(SQLiteException.class, () -> one(replica, "SELECT litestream_txid()"));
      assertEquals(266, e.getResultCode().code, e.getMessage());
      assertTrue(String.valueOf(e.getMessage()).contains("a is b"), e.getMessage());
      assertEquals("the replica was replaced: a is b", one(replica, "SELECT litestream_error()"));
      assertEquals("the replica was replaced: a is b", one(replica, "PRAGMA litestream_error"));
      backend.pinFailure = null;
      assertEquals("3000", one(replica, "SELECT count(*) FROM t WHERE length(w) >= 0"));
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      assertEquals("null", one(replica, "SELECT litestream_error()"));
    }
  }

  /** What a wait in Java is told, on the thread that waits. */
  @Test
  void interruptedConnectionIsSeenFromInsideACall() throws Exception {
    List<Boolean> answers = new ArrayList<>();
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      backend.beforeRead =
          () -> {
            answers.add(backend.isInterrupted.getAsBoolean());
            cancelQuietly(sql);
            answers.add(backend.isInterrupted.getAsBoolean());
          };
      SQLException e =
          assertThrows(SQLException.class, () -> sql.executeQuery("SELECT sum(length(w)) FROM t"));
      assertTrue(String.valueOf(e.getMessage()).contains("INTERRUPT"), e.getMessage());
      backend.beforeRead = () -> answers.add(backend.isInterrupted.getAsBoolean());
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      assertEquals(List.of(false, true), answers.subList(0, 2));
      assertFalse(answers.get(answers.size() - 1), "the next statement is not cancelled");
    } finally {
      backend.beforeRead = () -> {};
    }
  }

  private static void cancelQuietly(Statement sql) {
    try {
      sql.cancel();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void functionIsNotAReplicaOnOrdinaryConnections() throws SQLException {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite::memory:")) {
      for (String function :
          List.of("txid()", "time('main')", "lag()", "error('nowhere')", "txid(NULL)")) {
        SQLiteException e =
            assertThrows(SQLiteException.class, () -> one(db, "SELECT litestream_" + function));
        assertTrue(String.valueOf(e.getMessage()).contains("not a replica"), e.getMessage());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "&immutable=1", "&nolock=1", "&mode=ro", "&txid=1"})
  void failedOpenSaysWhy(String more) throws SQLException {
    for (int i = 0; i < 20; i++) {
      SQLiteException e =
          assertThrows(SQLiteException.class, () -> open("fake:nowhere", more).close());
      assertEquals(14, e.getResultCode().code, e.getMessage());
      assertTrue(
          String.valueOf(e.getMessage()).contains("open replica fake:nowhere: no such replica"),
          e.getMessage());
    }
    try (Connection db = DriverManager.getConnection("jdbc:sqlite::memory:");
        Statement sql = db.createStatement()) {
      SQLiteException e =
          assertThrows(
              SQLiteException.class,
              () ->
                  sql.execute(
                      "ATTACH 'file:x?vfs=litestream&replica_url=fake:nowhere" + more + "' AS x"));
      assertEquals(14, e.getResultCode().code, e.getMessage());
      assertEquals("1", one(db, "SELECT 1"));
    }
  }

  @Test
  void failuresOfReadsAreCodesWithReasons() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Connection bystander =
            DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("plain.db"))) {
      expectReadFailure(replica, new IOException("read page: s3://b/db: reset"), 266);
      expectReadFailure(replica, new InterruptedIOException("read page: interrupted"), 9);
      expectReadFailure(replica, new OutOfMemoryError("no heap"), 7);
      expectReadFailure(replica, new IllegalStateException("a bug"), 266);
      expectReadFailure(replica, new TimeoutException("too late"), 266);
      expectReadFailure(replica, new StackOverflowError("deep \u00e4\n".repeat(2000)), 266);
      assertEquals("3000", one(bystander, "SELECT count(*) FROM t"));
    }
  }

  /** What it says of itself cannot be had either. */
  private static final class Speechless extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @Override
    public String getMessage() {
      throw new AssertionError("no message");
    }
  }

  @Test
  void failureThatCannotBeToldIsNoSuccess() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      backend.readFailure = new Speechless();
      SQLiteException e =
          assertThrows(
              SQLiteException.class, () -> one(replica, "SELECT count(*), sum(length(w)) FROM t"));
      assertEquals(266, e.getResultCode().code, e.getMessage());
      backend.readFailure = null;
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
    }
    backend.openFailure = new Speechless();
    SQLiteException e = assertThrows(SQLiteException.class, () -> open("fake:plain", "").close());
    assertEquals(14, e.getResultCode().code, e.getMessage());
  }

  @Test
  void stackThatIsUsedUpGivesNoWrongRows() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      backend.beforeRead = () -> descend(0);
      SQLiteException e =
          assertThrows(
              SQLiteException.class, () -> one(replica, "SELECT count(*), sum(length(w)) FROM t"));
      assertEquals(266, e.getResultCode().code, e.getMessage());
      backend.beforeRead = () -> {};
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
    }
  }

  @SuppressWarnings("InfiniteRecursion") // that is the test
  private static int descend(int depth) {
    return descend(depth + 1) + 1;
  }

  private static void expectReadFailure(Connection replica, Throwable failure, int code)
      throws SQLException {
    backend.readFailure = failure;
    SQLiteException e =
        assertThrows(
            SQLiteException.class, () -> one(replica, "SELECT count(*), sum(length(w)) FROM t"));
    assertEquals(code, e.getResultCode().code, e.getMessage());
    backend.readFailure = null;
    String reason = String.valueOf(failure.getMessage());
    boolean isSaid = one(replica, "PRAGMA litestream_error").startsWith(reason.substring(0, 5));
    assertEquals(code != 9, isSaid, "an interrupt is no trouble, anything else is");
    assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
  }

  @Test
  void openFailuresAreCodesWithReasons() {
    backend.openFailure = new InterruptedIOException("interrupted while opening");
    SQLiteException e = assertThrows(SQLiteException.class, () -> open("fake:plain", "").close());
    assertEquals(9, e.getResultCode().code, e.getMessage());
    backend.openFailure = new OutOfMemoryError("no heap");
    e = assertThrows(SQLiteException.class, () -> open("fake:plain", "").close());
    assertEquals(7, e.getResultCode().code, e.getMessage());
  }

  /** SQLite would give the third the Btree of one of the others, for they have one label. */
  @Test
  void sharedCacheSharesNoView() throws SQLException {
    try (Connection plainOne = open("fake:plain", "&cache=shared&shared_cache=true");
        Connection other = open("fake:other", "&cache=shared&shared_cache=true")) {
      one(plainOne, "SELECT count(*) FROM t");
      one(other, "SELECT count(*) FROM t");
      try (Connection third = open("fake:other", "&txid=3&shared_cache=true");
          Connection fourth = open("fake:plain", "&shared_cache=true")) {
        String query = "SELECT litestream_txid(), max(v LIKE '%plain.db') FROM t";
        assertEquals("0000000000000003|0", one(third, query));
        assertEquals("0000000000000005|1", one(fourth, query));
        assertEquals("0000000000000005|0", one(other, query));
      }
      SQLiteException e =
          assertThrows(
              SQLiteException.class,
              () -> open("fake:nowhere", "&cache=shared&shared_cache=true").close());
      assertTrue(String.valueOf(e.getMessage()).contains("no such replica"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"DELETE", "WAL", "TRUNCATE"})
  void localFilesAttachToAReplicaAsThemselves(String journalMode) throws SQLException {
    Path local = dir.resolve("local-" + journalMode + ".db");
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH '" + local + "' AS local");
      assertEquals(
          journalMode.toLowerCase(Locale.ROOT),
          one(replica, "PRAGMA local.journal_mode=" + journalMode));
      sql.execute("CREATE TABLE local.kept AS SELECT id FROM main.t");
      sql.execute("BEGIN");
      sql.execute("DELETE FROM local.kept");
      assertEquals("0", one(replica, "SELECT count(*) FROM local.kept"));
      sql.execute("ROLLBACK");
      assertEquals("3000", one(replica, "SELECT count(*) FROM local.kept"));
      assertEquals("ok", one(replica, "PRAGMA local.integrity_check"));
      SQLiteException e =
          assertThrows(
              SQLiteException.class, () -> one(replica, "SELECT litestream_txid('local')"));
      assertTrue(String.valueOf(e.getMessage()).contains("not a replica"), e.getMessage());
    }
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + local)) {
      assertEquals("3000", one(db, "SELECT count(*) FROM kept"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"DELETE", "WAL"})
  void journalLeftByACrashIsHonouredWhereAReplicaIsMain(String journalMode) throws Exception {
    Path crashed = dir.resolve("crashed-" + journalMode + ".db");
    Path source = dir.resolve("source-" + journalMode + ".db");
    String suffix = journalMode.equals("WAL") ? "-wal" : "-journal";
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + source);
        Statement sql = db.createStatement()) {
      sql.execute("PRAGMA journal_mode=" + journalMode);
      sql.execute("CREATE TABLE k AS SELECT 1 AS n, zeroblob(200000) AS filler");
      sql.execute("PRAGMA cache_size=1");
      if (journalMode.equals("WAL")) {
        sql.execute("UPDATE k SET n = 2");
      } else {
        sql.execute("BEGIN");
        sql.execute("UPDATE k SET n = 2, filler = randomblob(200000)");
      }
      Files.copy(source, crashed);
      Files.copy(Path.of(source + suffix), Path.of(crashed + suffix));
    }
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH '" + crashed + "' AS local");
      assertEquals(journalMode.equals("WAL") ? "2" : "1", one(replica, "SELECT n FROM local.k"));
      assertEquals("ok", one(replica, "PRAGMA local.integrity_check"));
    }
  }

  @Test
  void vacuumIntoWritesALocalFile() throws SQLException {
    Path copy = dir.resolve("copy.db");
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("VACUUM INTO '" + copy + "'");
    }
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + copy)) {
      assertEquals("3000", one(db, "SELECT count(*) FROM t"));
      assertEquals("ok", one(db, "PRAGMA integrity_check"));
    }
  }

  @Test
  void transactionOverTwoLocalFilesOfAReplicaIsRefused() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH '" + dir.resolve("two-a.db") + "' AS a");
      sql.execute("ATTACH '" + dir.resolve("two-b.db") + "' AS b");
      sql.execute("CREATE TABLE a.x(n)");
      sql.execute("CREATE TABLE b.y(n)");
      sql.execute("BEGIN");
      sql.execute("INSERT INTO x VALUES (1)");
      sql.execute("INSERT INTO y VALUES (1)");
      SQLiteException e = assertThrows(SQLiteException.class, () -> sql.execute("COMMIT"));
      assertEquals(14, e.getResultCode().code, e.getMessage());
      assertEquals(
          "0|0", one(replica, "SELECT (SELECT count(*) FROM x), (SELECT count(*) FROM y)"));
    }
  }

  @Test
  void reasonOfAFailedAttachIsKept() throws SQLException {
    String attach = "ATTACH 'file:x?vfs=litestream&replica_url=fake:%s' AS x";
    try (Connection ordinary = DriverManager.getConnection("jdbc:sqlite::memory:");
        Connection replica = open("fake:plain", "");
        Connection bystander = open("fake:plain", "")) {
      for (Connection db : List.of(ordinary, replica)) {
        try (Statement sql = db.createStatement()) {
          assertThrows(SQLiteException.class, () -> sql.execute(attach.formatted("nowhere")));
          assertEquals(
              "open replica fake:nowhere: no such replica", one(db, "SELECT litestream_error()"));
        }
      }
      assertEquals(
          "open replica fake:nowhere: no such replica", one(replica, "PRAGMA litestream_error"));
      assertEquals("null", one(bystander, "SELECT litestream_error()"));
      try (Statement sql = replica.createStatement()) {
        sql.execute(attach.formatted("other"));
        assertEquals("null", one(replica, "SELECT litestream_error()"));
      }
    }
  }

  @Test
  void errorEndsWithTheNextGoodRead() throws SQLException {
    try (Connection replica = open("fake:plain", "")) {
      expectReadFailure(replica, new IOException("read page: reset"), 266);
      assertEquals("null", one(replica, "SELECT litestream_error()"));
    }
  }

  @Test
  void hangingReadDelaysTheGoodbyeAndTheNextRegistration() throws Exception {
    CountDownLatch isReading = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    try (Connection replica = open("fake:plain", "")) {
      backend.beforeRead =
          () -> {
            isReading.countDown();
            awaitQuietly(mayEnd);
          };
      Thread reader =
          new Thread(
              () ->
                  assertThrows(
                      SQLException.class,
                      () -> one(replica, "SELECT count(*), sum(length(w)) FROM t")));
      reader.start();
      isReading.await();
      assertThrows(SluiceException.class, () -> Sluice.unregister(50));
      assertThrows(SluiceException.class, () -> Sluice.register(backend, name -> Optional.empty()));
      assertEquals(1, backend.stops.get() > 0 ? 1 : 0, "backend stopped");
      mayEnd.countDown();
      reader.join();
      backend.beforeRead = () -> {};
      Sluice.register(backend, name -> Optional.empty());
    }
    try (Connection again = open("fake:plain", "")) {
      assertEquals("3000", one(again, "SELECT count(*) FROM t"));
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "file:?vfs=litestream",
        "file::memory:?vfs=litestream",
        "file:x?vfs=litestream&mode=memory",
        "app.db?vfs=litestream",
        "file:x&vfs=litestream",
        "file:x#y?vfs=litestream",
        "file:#y?vfs=litestream",
        "file:%3Amemory%3A?vfs=litestream",
        "file:%00x?vfs=litestream"
      })
  void urlThatSqliteOpensByItselfIsRefused(String name) {
    String url = "jdbc:sqlite:" + name + "&replica_url=fake:plain";
    SluiceException e =
        assertThrows(SluiceException.class, () -> DriverManager.getConnection(url).close());
    assertTrue(String.valueOf(e.getMessage()).contains("jdbc:sqlite:file:NAME"), e.getMessage());
    assertThrows(
        SQLException.class, () -> new SluiceDriver().connect(url, new java.util.Properties()));
  }

  @Test
  void newViewIsSeenByTheNextTransaction() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("BEGIN");
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
      plain.control.record(1, plain.view(6));
      plain.control.publish(6, 1, plain.pageSize);
      assertEquals("0000000000000005", one(replica, "SELECT litestream_txid()"));
      assertTrue(plain.control.isPinned(5L << 16));
      sql.execute("COMMIT");
      assertFalse(plain.control.isPinned(5L << 16));
      assertEquals("0000000000000006", one(replica, "SELECT litestream_txid()"));
    } finally {
      plain.control.publish(5, 0, plain.pageSize);
    }
  }
}
