package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Golden;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteException;

/** Replicas that Litestream wrote, through the driver, from a directory. */
class GoldenReplicaTest {
  @TempDir static Path dir;
  private static Path live = Path.of("");
  private static Path wal = Path.of("");

  @BeforeAll
  static void copyReplicas() {
    live = Golden.named("live-4096").copyTo(dir.resolve("live"));
    wal = Golden.named("wal-1024").copyTo(dir.resolve("wal"));
    Sluice.register();
  }

  @AfterAll
  static void unregisterVfs() {
    Sluice.unregister();
  }

  private static String url(Path replica, String more) {
    return "jdbc:sqlite:file:db?vfs=litestream&mode=ro&replica_url=" + replica + more;
  }

  private static String one(Connection db, String query) throws SQLException {
    try (Statement sql = db.createStatement();
        ResultSet result = sql.executeQuery(query)) {
      result.next();
      return result.getString(1);
    }
  }

  @Test
  void everyTxidIsAViewOfItsOwn() throws SQLException {
    List<Connection> open = new ArrayList<>();
    try {
      for (String txid : Golden.named("live-4096").images().keySet()) {
        Connection db = DriverManager.getConnection(url(live, "&txid=" + txid));
        open.add(db);
        assertEquals(txid, one(db, "SELECT litestream_txid()"));
        assertEquals("ok", one(db, "PRAGMA integrity_check"));
      }
    } finally {
      for (Connection db : open) {
        db.close();
      }
    }
    assertNotEquals(0, open.size());
  }

  @Test
  void latestIsTheLastTxid() throws SQLException {
    try (Connection db =
        DriverManager.getConnection(url(wal, "&page_cache_size=1MB&read_timeout=5s"))) {
      assertEquals(
          Golden.named("wal-1024").images().lastKey(), one(db, "SELECT litestream_txid()"));
      assertEquals("ok", one(db, "PRAGMA integrity_check"));
      assertTrue(Long.parseLong(one(db, "SELECT litestream_lag()")) >= 0);
      assertEquals("1", one(db, "SELECT litestream_time() LIKE '20%Z'"));
    }
  }

  @Test
  void moreConnectionsCostNoRequest() throws Exception {
    try (OpenReplica replica = Sluice.open(ReplicaOptions.of(ReplicaUrl.parse(live.toString())))) {
      long files;
      try (Connection db = DriverManager.getConnection(replica.jdbcUrl())) {
        one(db, "SELECT count(*) FROM sqlite_schema");
        files = requests(replica);
      }
      for (int i = 0; i < 10; i++) {
        try (Connection db = DriverManager.getConnection(replica.jdbcUrl())) {
          assertNotEquals("0", one(db, "SELECT count(*) FROM sqlite_schema"));
        }
      }
      assertEquals(files, requests(replica));
    }
  }

  @Test
  void urlOfAClosedReplicaSaysSo() throws Exception {
    OpenReplica replica = Sluice.open(ReplicaOptions.of(ReplicaUrl.parse(live.toString())));
    replica.close();
    SQLException e =
        assertThrows(
            SQLException.class, () -> DriverManager.getConnection(replica.jdbcUrl()).close());
    assertTrue(String.valueOf(e.getMessage()).contains("closed"), e.getMessage());
  }

  private static long requests(OpenReplica replica) {
    var meter = replica.replica().requests();
    return meter.lists() + meter.gets() + meter.heads();
  }

  @Test
  void failureToOpenSaysWhy() throws Exception {
    Path empty = Files.createDirectory(dir.resolve("empty"));
    expectCannotOpen(url(empty, "&read_timeout=200ms"), empty.toString());
    expectCannotOpen(url(live, "&txid=fff"), "fff");
    expectCannotOpen(url(live, "&txid=zz"), "not a TXID");
    expectCannotOpen(url(live, "&timestamp=2026-01-01T00:00:00"), "timestamp: ");
    expectCannotOpen(url(live, "&read_timeout=soon"), "read_timeout: ");
    expectCannotOpen("jdbc:sqlite:file:db?vfs=litestream&replica_url=gopher://x/y", "gopher");
  }

  private static void expectCannotOpen(String url, String word) {
    SQLiteException e =
        assertThrows(SQLiteException.class, () -> DriverManager.getConnection(url).close());
    assertEquals(14, e.getResultCode().code, e.getMessage());
    assertTrue(String.valueOf(e.getMessage()).contains(word), e.getMessage());
  }

  @Test
  void damagedPageIsAReadErrorWithItsFile() throws Exception {
    Path damaged = Golden.named("rand-4096").copyTo(dir.resolve("damaged"));
    Path file;
    try (var files = Files.walk(damaged)) {
      file = files.filter(path -> path.toString().endsWith(".ltx")).findFirst().orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(file);
    for (int i = bytes.length / 3; i < bytes.length / 3 + 9000; i++) {
      bytes[i] ^= 0x55;
    }
    Files.write(file, bytes);
    String url = url(damaged, "&read_timeout=2s");
    try (Connection db = DriverManager.getConnection(url)) {
      assertNotEquals("ok", one(db, "PRAGMA integrity_check"));
      String error = one(db, "SELECT litestream_error()");
      assertTrue(error.contains(file.getFileName().toString().replace(".ltx", "")), error);
    }
  }
}
