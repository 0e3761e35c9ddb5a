package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Golden;
import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
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
    ReplicaOptions options =
        ReplicaOptions.of(ReplicaUrl.parse(live.toString())).withPollInterval(Duration.ofHours(1));
    try (OpenReplica replica = Sluice.open(options)) {
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

  @Test
  void eachConnectionHasItsOwnTimeout() throws Exception {
    Path other = Golden.named("live-4096").copyTo(dir.resolve("timeouts"));
    String none = "jdbc:sqlite:file:db?vfs=litestream&replica_url=" + dir.resolve("not-there-yet");
    try (Connection quick = DriverManager.getConnection(url(other, "&read_timeout=5s"));
        Connection patient = DriverManager.getConnection(url(other, "&read_timeout=20s"))) {
      assertEquals(
          one(quick, "SELECT litestream_txid()"), one(patient, "SELECT litestream_txid()"));
      assertEquals("ok", one(quick, "PRAGMA integrity_check"));
      assertEquals("ok", one(patient, "PRAGMA integrity_check"));
    }
    long start = System.nanoTime();
    assertThrows(
        SQLiteException.class,
        () -> DriverManager.getConnection(none + "&read_timeout=300ms").close());
    assertTrue(System.nanoTime() - start < 5_000_000_000L, "the first one's time");
    start = System.nanoTime();
    assertThrows(
        SQLiteException.class,
        () -> DriverManager.getConnection(none + "&read_timeout=1500ms").close());
    assertTrue(System.nanoTime() - start > 1_200_000_000L, "the second one's time");
  }

  /** TXID 1 stays to be read whatever has become of the latest. */
  @Test
  void earlierTxidIsReadBesideABrokenLatest() throws Exception {
    String first = "0000000000000001";
    Path gap = history("broken-gap", 4);
    Files.delete(gap.resolve("ltx/0/0000000000000003-0000000000000003.ltx"));
    expectCannotOpen(url(gap, "&read_timeout=3s"), "0000000000000003");
    expectReadable(gap, first);

    Path flipped = history("broken-byte", 3);
    Path last = flipped.resolve("ltx/0/0000000000000003-0000000000000003.ltx");
    byte[] bytes = Files.readAllBytes(last);
    bytes[bytes.length - 30] ^= 0x55;
    Files.write(last, bytes);
    expectCannotOpen(url(flipped, "&read_timeout=2s"), last.getFileName().toString());
    expectReadable(flipped, first);

    Path deleted = history("broken-deleted", 2);
    TxidRange range = new TxidRange(new Txid(3), new Txid(3));
    try (OutputStream out = Files.newOutputStream(deleted.resolve("ltx/0/" + range + ".ltx"));
        LtxEncoder encoder =
            new LtxEncoder(out, LtxHeader.of(4096, 0, range, 1_700_000_009_000L))) {
      encoder.finish();
    }
    expectCannotOpen(url(deleted, "&read_timeout=2s"), "deleted");
    expectReadable(deleted, first);
  }

  private static Path history(String name, int txids) throws Exception {
    Path file = dir.resolve(name + ".db");
    TestHistory history = new TestHistory(dir.resolve(name), 4096);
    for (int txid = 1; txid <= txids; txid++) {
      try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement sql = db.createStatement()) {
        sql.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER)");
        sql.execute("INSERT INTO t VALUES (" + txid + ")");
      }
      history.add(file);
    }
    return dir.resolve(name);
  }

  private static void expectReadable(Path replica, String txid) throws SQLException {
    try (Connection db = DriverManager.getConnection(url(replica, "&txid=" + txid))) {
      assertEquals(txid, one(db, "SELECT litestream_txid()"));
      assertEquals("1", one(db, "SELECT count(*) FROM t"));
      assertEquals("ok", one(db, "PRAGMA integrity_check"));
    }
  }

  /**
   * 65536-byte pages: the lock page is 16385, and the database just over 1 GiB, nearly all of it
   * zero.
   */
  @Test
  void databaseBeyondTheLockPageIsRead() throws Exception {
    int pageSize = 65536;
    long lockPage = LockPage.pgno(pageSize);
    Path file = dir.resolve("sparse.db");
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement sql = db.createStatement()) {
      sql.execute("PRAGMA page_size=" + pageSize);
      sql.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
      sql.execute("CREATE TABLE root(id INTEGER PRIMARY KEY, v TEXT)");
      sql.execute("INSERT INTO root VALUES (1, 'beyond')");
    }
    byte[] image = Files.readAllBytes(file);
    long rootPage = image.length / pageSize;
    byte[] zero = new byte[pageSize];
    long commit = lockPage + 2;
    Path replica = dir.resolve("sparse");
    TxidRange range = new TxidRange(new Txid(1), new Txid(1));
    Path ltx = replica.resolve("ltx/0/" + range + ".ltx");
    Files.createDirectories(ltx.getParent());
    // The root of table "root" is moved behind the lock page, in its schema row too.
    moveRoot(file, lockPage + 2);
    byte[] first = Arrays.copyOf(Files.readAllBytes(file), pageSize);
    ByteBuffer.wrap(first).putInt(28, (int) commit);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(ltx));
        LtxEncoder encoder =
            new LtxEncoder(out, LtxHeader.of(pageSize, commit, range, 1_700_000_000_000L))) {
      for (long pgno = 1; pgno <= commit; pgno++) {
        if (pgno == lockPage) {
          continue;
        }
        long from = pgno == commit ? rootPage : pgno < rootPage ? pgno : 0;
        int at = (int) (from - 1) * pageSize;
        encoder.page(
            pgno,
            pgno == 1 ? first : from == 0 ? zero : Arrays.copyOfRange(image, at, at + pageSize));
      }
      encoder.finish();
    }
    assertTrue(Files.size(ltx) < 16 << 20, "small on disk");
    try (Connection db = DriverManager.getConnection(url(replica, ""))) {
      assertEquals(Long.toString(commit), one(db, "PRAGMA page_count"));
      assertEquals("beyond", one(db, "SELECT v FROM root"));
      assertEquals("0", one(db, "SELECT count(*) FROM t"));
    }
  }

  private static void moveRoot(Path file, long pgno) throws SQLException {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement sql = db.createStatement()) {
      sql.execute("PRAGMA writable_schema=ON");
      sql.execute("UPDATE sqlite_schema SET rootpage=" + pgno + " WHERE name='root'");
    }
  }
}
