package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/** The C side over a plain database image: SQL functions, PRAGMAs, and the views that they move. */
class NativeFunctionsTest extends PlainImages {
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

  private static void refused(Connection db, String statement, String word) {
    SQLiteException e = assertThrows(SQLiteException.class, () -> one(db, statement));
    assertTrue(String.valueOf(e.getMessage()).contains(word), e.getMessage());
    assertEquals(1, e.getResultCode().code & 0xff, e.getMessage());
  }
}
