package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.ContextInitializer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** {@code sluice replicate -once}: what is committed is shipped, and that is all. */
final class ReplicateOnceTest {
  @TempDir Path folder;

  /** The command sets up the log of the process, which is this one's. */
  @AfterAll
  static void restoreLog() throws Exception {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.reset();
      new ContextInitializer(context).autoConfig();
    }
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private void write(String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path("app.db"));
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute(sql);
    }
  }

  private void once(String... options) {
    String[] arguments = new String[options.length + 4];
    arguments[0] = "replicate";
    arguments[1] = "-once";
    System.arraycopy(options, 0, arguments, 2, options.length);
    arguments[options.length + 2] = path("app.db");
    arguments[options.length + 3] = path("replica");
    assertEquals("", CliRun.done(arguments).err());
  }

  /** Returns level, first and last TXID of each file; a window of a level may end at any time. */
  private List<String> files() {
    return CliRun.done("ltx", path("replica"))
        .out()
        .lines()
        .skip(1)
        .map(line -> line.split(" +", -1))
        .filter(words -> words[0].equals("0") || words[0].equals("9"))
        .map(
            words ->
                words[0]
                    + " "
                    + words[1].replaceFirst("^0+", "")
                    + "-"
                    + words[2].replaceFirst("^0+", ""))
        .toList();
  }

  private String rowsAt(int txid) {
    return CliRun.done("sql", "--txid", "" + txid, path("replica"), "SELECT * FROM t").out();
  }

  @Test
  void whatIsCommittedIsShippedAndNothingTwice() throws Exception {
    write("CREATE TABLE t AS SELECT 'first' AS a");
    once();
    assertEquals(List.of("9 1-1"), files());
    assertEquals("first\n", rowsAt(1));
    once();
    assertEquals(List.of("9 1-1"), files());
    write("INSERT INTO t VALUES('second')");
    once();
    assertEquals(List.of("0 2-2", "9 1-1"), files());
    assertEquals("first\n", rowsAt(1));
    assertEquals("first\nsecond\n", rowsAt(2));
  }

  @Test
  void levelOfTheLogIsThatOfTheOption() throws Exception {
    write("CREATE TABLE t AS SELECT 'first' AS a");
    LoggerContext log = (LoggerContext) LoggerFactory.getILoggerFactory();
    once("-log-level", "ERROR");
    assertEquals(Level.ERROR, log.getLogger("dev.sluice").getLevel());
    once("--log-level", "warning");
    assertEquals(Level.WARN, log.getLogger("dev.sluice").getLevel());
  }

  @Test
  void forcedSnapshotIsOfTheNewestTxid() throws Exception {
    write("CREATE TABLE t AS SELECT 'first' AS a");
    once();
    write("INSERT INTO t VALUES('second')");
    once();
    assertFalse(files().contains("9 1-2"), files().toString());
    once("-force-snapshot");
    assertTrue(files().contains("9 1-2"), files().toString());
    assertEquals("first\nsecond\n", rowsAt(2));
  }
}
