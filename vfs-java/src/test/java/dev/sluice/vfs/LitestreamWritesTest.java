package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.S3Server;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real Litestream VFS writes to a replica, and a connection of ours that was opened before
 * shows after each sync what a local database shows to which the same was done. Runs where {@code
 * -Dsluice.litestream.vfs} names Litestream's {@code litestream-vfs.so}.
 *
 * <p>The replica begins with a file of ours, and the shrink comes last: Litestream's own VFS begins
 * a replica, and goes on after a shrink, with files that lack pages.
 */
@EnabledIfSystemProperty(named = "sluice.litestream.vfs", matches = ".+")
class LitestreamWritesTest {
  private static final String PYTHON =
      System.getProperty("sluice.litestream.python", "/usr/bin/python3");
  private static final int LIMIT_SECONDS = 60;
  private static final int PAGE_SIZE = 4096;
  private static final Pattern SYNCED = Pattern.compile("synced ([0-9a-f]{16})");

  /** One transaction each. */
  private static final List<List<String>> STEPS =
      List.of(
          List.of("INSERT INTO t VALUES(1, 'one', x'00ff')"),
          List.of(
              "CREATE TABLE u(id INTEGER PRIMARY KEY, word TEXT)", "INSERT INTO u VALUES(1, 'a')"),
          List.of(
              "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, printf('word %d', i), zeroblob(i % 300) FROM n"),
          List.of("UPDATE t SET word = word || '!' WHERE id % 11 = 0"),
          List.of(
              "CREATE INDEX by_word ON t(word)", "ALTER TABLE u ADD COLUMN more TEXT DEFAULT 'm'"),
          List.of("DELETE FROM t WHERE id > 200"),
          List.of("VACUUM"));

  @TempDir Path folder;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @Test
  void ourConnectionFollowsEachSyncToADirectory() throws Exception {
    Path replica = begin();
    follow("file://" + replica);
  }

  @Test
  void ourConnectionFollowsEachSyncToABucket() throws Exception {
    Path replica = begin();
    TestBucket bucket = TestBucket.of(List.of());
    for (String file : List.of("0000000000000001-0000000000000001.ltx")) {
      S3Server.shared()
          .put(
              bucket.bucket(),
              "app/db/0000/" + file,
              Files.readAllBytes(replica.resolve("ltx/0/" + file)));
    }
    follow(bucket.url());
  }

  /** Makes a local database and a replica of it. */
  private Path begin() throws Exception {
    Path local = local();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + local);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA page_size = " + PAGE_SIZE);
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, noise BLOB)");
    }
    Path replica = folder.resolve("replica");
    new TestHistory(replica, PAGE_SIZE).add(local);
    return replica;
  }

  private Path local() {
    return folder.resolve("local.db");
  }

  private void follow(String url) throws Exception {
    List<Long> pageCounts = new ArrayList<>();
    try (Connection ours = DriverManager.getConnection(Urls.jdbc(url, "poll_interval=100ms"))) {
      assertEquals(DatabaseContents.of(local()), DatabaseContents.of(ours));
      for (List<String> step : STEPS) {
        String txid = write(url, step);
        assertEquals(
            txid,
            value(ours, "SELECT litestream_wait_txid('" + txid + "', " + LIMIT_SECONDS + ")"));
        DatabaseContents expected = DatabaseContents.of(local());
        assertEquals("ok", expected.integrity());
        assertEquals(expected, DatabaseContents.of(ours), step.toString());
        pageCounts.add(expected.pageCount());
      }
    }
    long largest = pageCounts.stream().mapToLong(count -> count).max().orElseThrow();
    assertTrue(largest > 3 * pageCounts.get(0), "it grows: " + pageCounts);
    assertTrue(largest > 3 * pageCounts.get(pageCounts.size() - 1), "it shrinks: " + pageCounts);
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.getString(1);
    }
  }

  /** Lets Litestream write one transaction; returns its TXID. */
  private String write(String url, List<String> statements) throws Exception {
    Path script = folder.resolve("write.py");
    try (InputStream in =
        Objects.requireNonNull(LitestreamWritesTest.class.getResourceAsStream("write.py"))) {
      Files.write(script, in.readAllBytes());
    }
    List<String> command =
        new ArrayList<>(
            Arrays.asList(
                PYTHON,
                script.toString(),
                Objects.requireNonNull(System.getProperty("sluice.litestream.vfs")),
                local().toString()));
    command.addAll(statements);
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("LITESTREAM_REPLICA_URL", url);
    builder.environment().put("LITESTREAM_WRITE_ENABLED", "true");
    builder.environment().put("LITESTREAM_SYNC_INTERVAL", "50ms");
    builder.environment().put("LITESTREAM_BUFFER_PATH", folder.resolve("buffer").toString());
    builder.environment().put("AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID);
    builder.environment().put("AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);
    builder.environment().remove("AWS_CA_BUNDLE");
    Process process = builder.start();
    assertTrue(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS), "Litestream's VFS hangs");
    String text = Files.readString(output, StandardCharsets.UTF_8);
    Matcher synced = SYNCED.matcher(text);
    assertTrue(process.exitValue() == 0 && synced.find(), text);
    return synced.group(1);
  }
}
