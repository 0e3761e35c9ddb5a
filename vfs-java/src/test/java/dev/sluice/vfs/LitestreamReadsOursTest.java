package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real Litestream VFS reads files that our encoder wrote and shows the rows of the database
 * they were made of, at every TXID. Runs where {@code -Dsluice.litestream.vfs} names Litestream's
 * {@code litestream-vfs.so}.
 */
@EnabledIfSystemProperty(named = "sluice.litestream.vfs", matches = ".+")
class LitestreamReadsOursTest {
  private static final String PYTHON =
      System.getProperty("sluice.litestream.python", "/usr/bin/python3");
  private static final int LIMIT_SECONDS = 60;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void theSameRowsAtEveryTxid(int pageSize) throws Exception {
    Path database = folder.resolve("source.db");
    Path replica = folder.resolve("replica");
    TestHistory history = new TestHistory(replica, pageSize);
    List<List<String>> steps =
        List.of(
            List.of(
                "PRAGMA page_size = " + pageSize,
                "CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, noise BLOB)"),
            List.of(fill(1, 400)),
            List.of(
                "UPDATE t SET word = word || '!' WHERE id % 7 = 0",
                "CREATE INDEX by_word ON t(word)"),
            List.of(
                fill(401, 900),
                "CREATE VIRTUAL TABLE f USING fts5(word)",
                "INSERT INTO f SELECT word FROM t"),
            List.of("DELETE FROM t WHERE id % 3 = 0"));
    for (List<String> step : steps) {
      apply(database, step);
      history.add(database);
      assertEquals(dump(database.toString()), dump(replica.toString(), vfs()));
    }
  }

  /** Text that compresses and blobs that do not. */
  private static String fill(int from, int to) {
    return "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t SELECT i, printf('word %%d', i), randomblob(i) FROM n"
        .formatted(from, to);
  }

  private static void apply(Path database, List<String> statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static String vfs() {
    return Objects.requireNonNull(System.getProperty("sluice.litestream.vfs"));
  }

  private String dump(String... arguments) throws Exception {
    Path script = folder.resolve("dump.py");
    try (InputStream in =
        Objects.requireNonNull(LitestreamReadsOursTest.class.getResourceAsStream("dump.py"))) {
      Files.write(script, in.readAllBytes());
    }
    List<String> command = new ArrayList<>(List.of(PYTHON, script.toString()));
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("LITESTREAM_REPLICA_URL", "file://" + arguments[0]);
    builder.environment().remove("AWS_CA_BUNDLE");
    Process process = builder.start();
    assertTrue(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS), "Litestream's VFS hangs");
    String text = Files.readString(output, StandardCharsets.UTF_8);
    assertEquals(0, process.exitValue(), text);
    return text;
  }
}
