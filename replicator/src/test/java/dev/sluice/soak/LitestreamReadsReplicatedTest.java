package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.S3Server;
import dev.sluice.vfs.Sluice;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real Litestream VFS opens what we replicate after every sync of a history, and shows the rows
 * of the primary; a connection of ours that was opened at the beginning follows. Runs where {@code
 * -Dsluice.litestream.vfs} names Litestream's {@code litestream-vfs.so}.
 */
@EnabledIfSystemProperty(named = "sluice.litestream.vfs", matches = ".+")
class LitestreamReadsReplicatedTest {
  private static final String PYTHON =
      System.getProperty("sluice.litestream.python", "/usr/bin/python3");
  private static final Duration SURELY = Duration.ofSeconds(60);

  /** What is done between two syncs. */
  private static final List<List<String>> STEPS =
      List.of(
          List.of("CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, noise BLOB)"),
          List.of(fill(1, 800)),
          List.of("UPDATE t SET word = word || '!' WHERE id % 7 = 0", "CREATE INDEX w ON t(word)"),
          List.of("PRAGMA wal_checkpoint(TRUNCATE)", fill(801, 2000)),
          List.of("BEGIN", "DELETE FROM t", "ROLLBACK", "DELETE FROM t WHERE id % 3 = 0"),
          List.of("PRAGMA incremental_vacuum(20)", "DELETE FROM t WHERE id > 100"),
          List.of("VACUUM"),
          List.of(fill(5001, 5400), "PRAGMA wal_checkpoint(RESTART)", "DROP INDEX w"),
          List.of("CREATE TABLE u(a, b)", "INSERT INTO u SELECT id, noise FROM t"),
          List.of("DROP TABLE t", "VACUUM"));

  private static final List<Integer> LEVELS = List.of(1, 2, LtxFileName.SNAPSHOT_LEVEL);

  /** A TXID in the middle of the history, whose level-0 file goes as others do. */
  private static final long DELETED = 5;

  @TempDir Path folder;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  /** Text that compresses and blobs that do not. */
  private static String fill(int from, int to) {
    return "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t SELECT i, printf('word %%d', i), randomblob(i %% 700) FROM n"
        .formatted(from, to);
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void theSameRowsAfterEverySync(int pageSize) throws Exception {
    try (Storage storage = Storage.directory(folder.resolve("replica"))) {
      history(storage, pageSize);
    }
  }

  @Test
  void theSameRowsAfterEverySyncToABucket() throws Exception {
    System.setProperty("aws.accessKeyId", S3Server.ACCESS_KEY_ID); // for the follower
    System.setProperty("aws.secretAccessKey", S3Server.SECRET_ACCESS_KEY);
    try (Storage storage = Storage.bucket()) {
      history(storage, 4096);
    } finally {
      System.clearProperty("aws.accessKeyId");
      System.clearProperty("aws.secretAccessKey");
    }
  }

  private void history(Storage storage, int pageSize) throws Exception {
    Path database = folder.resolve("app.db");
    Map<String, String> variables = storage.variables();
    try (Connection primary = DriverManager.getConnection("jdbc:sqlite:" + database);
        ReplicaClient client = storage.open();
        Replicator replicator =
            Replicator.builder()
                .environment(name -> Optional.ofNullable(variables.get(name)))
                .start()) {
      Application.execute(primary, "PRAGMA page_size=" + pageSize);
      Application.execute(primary, "PRAGMA auto_vacuum=2");
      Application.execute(primary, "PRAGMA journal_mode=WAL");
      apply(primary, STEPS.get(0));
      ReplicatedDatabase replicated =
          replicator.add(settings(database), ReplicaUrl.parse(storage.url()));
      replicated.syncAndWait(SURELY);
      Archive archive = new Archive(client, folder.resolve("archive"));
      try (Connection follower = DriverManager.getConnection(followed(storage))) {
        for (List<String> step : STEPS.subList(1, STEPS.size())) {
          apply(primary, step);
          Txid txid = replicated.syncAndWait(SURELY);
          archive.update();
          requireSame(primary, storage, "at " + txid);
          requireFollowed(primary, follower, txid);
        }
      }
      awaitUpkeep(archive, client);
      requireSame(primary, storage, "when level-0 files are gone");
    }
  }

  private void requireSame(Connection primary, Storage storage, String when) throws Exception {
    assertEquals(rowsOf(rows(primary)), litestream(storage), () -> "Litestream's VFS " + when);
  }

  private static void requireFollowed(Connection primary, Connection follower, Txid txid)
      throws SQLException {
    String wait = "SELECT litestream_wait_txid('" + txid + "', 60)";
    assertTrue(Application.value(follower, wait).isPresent());
    assertEquals(rows(primary), rows(follower), () -> "ours at " + txid);
  }

  /** Waits until each level had a file, and the first ones of level 0 were deleted. */
  private static void awaitUpkeep(Archive archive, ReplicaClient client) throws Exception {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    boolean isDone = false;
    while (!isDone) {
      assertTrue(
          System.nanoTime() < endNanos,
          () -> "levels 1, 2 and 9: " + LEVELS.stream().map(archive::files).toList());
      archive.update();
      List<LtxFile> left = client.list(0, Txid.FIRST).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      isDone =
          LEVELS.stream().noneMatch(level -> archive.files(level).isEmpty())
              && left.stream().noneMatch(file -> file.name().range().min().value() <= DELETED);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
    assertTrue(
        archive.files(0).stream().anyMatch(range -> range.min().value() == DELETED),
        "what was deleted was there");
  }

  /**
   * Litestream's VFS shows the database as long as it has ever been, and so finds pages that are
   * "never used" after a shrink: its integrity_check is not asked.
   */
  private static List<String> rowsOf(List<String> all) {
    return all.subList(1, all.size());
  }

  private static DatabaseSettings settings(Path database) {
    LevelSettings levels =
        new LevelSettings(
            List.of(Duration.ofMillis(300), Duration.ofSeconds(1)),
            Duration.ofSeconds(2),
            Duration.ofSeconds(3),
            Duration.ofSeconds(1),
            true);
    return DatabaseSettings.of(database).withSyncInterval(Duration.ofMillis(10)).withLevels(levels);
  }

  private static String followed(Storage storage) {
    return "jdbc:sqlite:file:follower.db?vfs=litestream&poll_interval=50ms&replica_url="
        + URLEncoder.encode(storage.url(), StandardCharsets.UTF_8);
  }

  private static void apply(Connection connection, List<String> statements) throws SQLException {
    for (String sql : statements) {
      Application.execute(connection, sql);
    }
  }

  /** Returns what integrity_check says, and then what {@code rows.py} prints. */
  private static List<String> rows(Connection connection) throws SQLException {
    List<String> rows = new ArrayList<>();
    rows.add(
        "integrity_check " + Application.value(connection, "PRAGMA integrity_check").orElse(""));
    String tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    for (String table : column(connection, tables, 1)) {
      List<String> columns = column(connection, "PRAGMA table_info(" + table + ")", 2);
      String quoted =
          String.join(" || '|' || ", columns.stream().map(c -> "quote(" + c + ")").toList());
      String select = "SELECT " + quoted + " FROM " + table + " ORDER BY rowid";
      column(connection, select, 1).forEach(row -> rows.add(table + " " + row));
    }
    return rows;
  }

  private static List<String> column(Connection connection, String sql, int column)
      throws SQLException {
    List<String> values = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        values.add(rows.getString(column));
      }
    }
    return values;
  }

  private List<String> litestream(Storage storage) throws Exception {
    Path script = folder.resolve("rows.py");
    try (InputStream in =
        Objects.requireNonNull(
            LitestreamReadsReplicatedTest.class.getResourceAsStream("rows.py"))) {
      Files.write(script, in.readAllBytes());
    }
    String vfs = Objects.requireNonNull(System.getProperty("sluice.litestream.vfs"));
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(PYTHON, script.toString(), vfs)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().putAll(storage.variables());
    builder.environment().put("LITESTREAM_REPLICA_URL", storage.url());
    builder.environment().remove("AWS_CA_BUNDLE");
    Process process = builder.start();
    assertTrue(process.waitFor(SURELY.toSeconds(), TimeUnit.SECONDS), "Litestream's VFS hangs");
    String text = Files.readString(output, StandardCharsets.UTF_8);
    assertEquals(0, process.exitValue(), text);
    return text.lines().toList();
  }
}
