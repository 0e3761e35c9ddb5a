package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user types about hydration and sees of it, and what a query then costs. */
class HydratedConnectionTest {
  private static final int PAGE_READS = 0;
  private static final int STORE_READS = 4;
  private static final int STORES = 7;

  @TempDir Path dir;

  private Path replica = Path.of("");
  private Path database = Path.of("");
  private TestHistory history = new TestHistory(Path.of(""), 4096);

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @BeforeEach
  void write() throws SQLException, IOException {
    replica = dir.resolve("replica");
    database = dir.resolve("primary.db");
    history = new TestHistory(replica, 4096);
    commit(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE INDEX tv ON t(v);"
            + " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000)"
            + " INSERT INTO t SELECT i, hex(i * 7919) FROM n");
  }

  /** Until then something may still be written to the cache directory. */
  @AfterEach
  void awaitEnd() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (counter(STORES) > 0) {
      assertTrue(System.nanoTime() < end, "a page store is not closed");
      Thread.onSpinWait();
    }
  }

  private Txid commit(String sql) throws SQLException, IOException {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = db.createStatement()) {
      statement.executeUpdate(sql);
    }
    return history.add(database);
  }

  private Connection open(String... parameters) throws SQLException {
    List<String> all = new ArrayList<>(List.of(parameters));
    all.addAll(List.of("cache_dir=" + dir.resolve("cache"), "poll_interval=20ms"));
    return DriverManager.getConnection(Urls.jdbc(replica.toString(), all.toArray(String[]::new)));
  }

  private static String value(Connection db, String sql) throws SQLException {
    return DatabaseContents.value(db, sql);
  }

  private static void execute(Connection db, String sql) throws SQLException {
    try (Statement statement = db.createStatement()) {
      statement.execute(sql);
    }
  }

  private static void awaitHydrated(Connection db) throws SQLException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!value(db, "PRAGMA litestream_hydration_progress").equals("100.0")) {
      assertTrue(System.nanoTime() < end, "not hydrated");
      Thread.onSpinWait();
    }
  }

  private static long counter(int index) {
    try (Memory totals = new Memory(64)) {
      Libsluice.sluice_counters(Pointer.nativeValue(totals), 8);
      return totals.getLong(index * 8L);
    }
  }

  @Test
  void hydratedFileIsTheDatabaseAndKeepsUp() throws Exception {
    try (Connection db = open("hydration_enabled=true")) {
      awaitHydrated(db);
      Path file = Path.of(value(db, "PRAGMA litestream_hydration_file"));
      assertTrue(file.startsWith(dir.resolve("cache")));
      requireBeginsWith(Files.readAllBytes(database), file);
      for (int i = 0; i < 5; i++) {
        Txid txid = commit("DELETE FROM t WHERE id % 7 = " + i + "; VACUUM");
        value(db, "SELECT litestream_wait_txid('" + txid + "', 30)");
        awaitHydrated(db);
        requireBeginsWith(Files.readAllBytes(database), file);
        assertEquals(DatabaseContents.of(database), DatabaseContents.of(db));
      }
    }
  }

  private static void requireBeginsWith(byte[] expected, Path file) throws IOException {
    byte[] all = Files.readAllBytes(file);
    assertArrayEquals(expected, Arrays.copyOf(all, expected.length));
  }

  @Test
  void hydratedQueriesCallNobody() throws Exception {
    try (Connection db = open("hydration_enabled=true")) {
      awaitHydrated(db);
      execute(db, "PRAGMA cache_size=10");
      long pageReads = counter(PAGE_READS);
      long storeReads = counter(STORE_READS);
      assertEquals(DatabaseContents.of(database), DatabaseContents.of(db));
      assertEquals(0, counter(PAGE_READS) - pageReads, "calls up");
      assertTrue(counter(STORE_READS) - storeReads > 100);
    }
  }

  @Test
  void pagesThatWereDemandedAreDemandedOnce() throws Exception {
    try (Connection db = open()) {
      execute(db, "PRAGMA cache_size=10");
      DatabaseContents contents = DatabaseContents.of(db);
      long pageReads = counter(PAGE_READS);
      assertEquals(contents, DatabaseContents.of(db));
      assertEquals(0, counter(PAGE_READS) - pageReads, "calls up");
      assertEquals("0", value(db, "PRAGMA litestream_hydration_progress"));
      assertEquals("", value(db, "PRAGMA litestream_hydration_file"));
    }
  }

  @Test
  void hydrationPathIsWhereTheFileIs() throws Exception {
    Path file = dir.resolve("hydrated.db");
    try (Connection db = open("hydration_enabled=1", "hydration_path=" + file)) {
      awaitHydrated(db);
      assertEquals(file.toString(), value(db, "PRAGMA litestream_hydration_file"));
      requireBeginsWith(Files.readAllBytes(database), file);
    }
    try (Connection db = open("hydration_enabled=1", "hydration_path=" + file)) {
      awaitHydrated(db);
      assertEquals(DatabaseContents.of(database), DatabaseContents.of(db));
    }
  }

  @Test
  void copyOfALiveReplicaIsOneState() throws Exception {
    Path copy = dir.resolve("copy.db");
    try (Connection db = open("hydration_enabled=true")) {
      awaitHydrated(db);
      DatabaseContents before = DatabaseContents.of(db);
      execute(db, "VACUUM INTO '" + copy + "'");
      assertEquals(before.hash(), DatabaseContents.of(copy).hash());
    }
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    Map<String, String> wrong =
        Map.of(
            "hydration_enabled",
            "ja",
            "store",
            "tape",
            "store_size",
            "0",
            "store_read",
            "fread",
            "hydration_rate",
            "fast");
    wrong.forEach(
        (name, text) -> {
          SQLException refused =
              assertThrows(SQLException.class, () -> open(name + "=" + text).close());
          assertTrue(String.valueOf(refused.getMessage()).contains(name), refused::toString);
        });
  }

  @Test
  void withoutAStoreNothingIsKept() throws Exception {
    try (Connection db = open("store=off", "hydration_enabled=true")) {
      assertEquals(DatabaseContents.of(database), DatabaseContents.of(db));
      assertEquals("0", value(db, "PRAGMA litestream_hydration_progress"));
    }
    assertFalse(Files.exists(dir.resolve("cache")));
    try (Connection db = open("store=memory")) {
      DatabaseContents.of(db);
      long pageReads = counter(PAGE_READS);
      assertEquals(DatabaseContents.of(database), DatabaseContents.of(db));
      assertTrue(counter(PAGE_READS) - pageReads < 5, "calls up");
    }
    assertFalse(Files.exists(dir.resolve("cache")));
  }
}
