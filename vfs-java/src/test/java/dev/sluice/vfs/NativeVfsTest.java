package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/** The C side over a plain database image: what SQLite sees, and what it costs. */
class NativeVfsTest extends PlainImages {
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
