package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.jna.Memory;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * Databases of a backend that has them as plain images, for tests of the C side: {@code
 * fake:plain}, {@code fake:other} with pages of 1024 bytes, {@code fake:wal}, and {@code
 * fake:slotless} of which every pin goes through Java. After each test nothing may be left open.
 */
abstract class PlainImages {
  static FakeBackend backend = new FakeBackend();

  @SuppressWarnings("NullAway") // set before the first test
  static FakeBackend.Database plain = null;

  @TempDir static Path dir;

  @BeforeAll
  static void registerVfs() throws Exception {
    backend = new FakeBackend();
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

  static Path image(String name, int pageSize, String journalMode) throws SQLException {
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

  static Connection open(String url, String more) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:sqlite:file:label?vfs=litestream&replica_url=" + url + more);
  }

  static List<String> rows(Connection db, String query) throws SQLException {
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

  static String one(Connection db, String query) throws SQLException {
    return rows(db, query).get(0);
  }

  /**
   * Page reads, header reads, locks, pins through Java, reads from page stores, open files, mapped
   * memories, page stores.
   */
  static long[] counters() {
    try (Memory totals = new Memory(64)) {
      assertEquals(8, Libsluice.sluice_counters(com.sun.jna.Pointer.nativeValue(totals), 8));
      return totals.getLongArray(0, 8);
    }
  }
}
