package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/** The C side over a plain database image: how it fails, and what it says then. */
class NativeFailuresTest extends PlainImages {
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
}
