package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.testkit.Golden;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An old database that is replaced: a crash leaves it or the new one, whole. */
final class RestoreForceTest {
  private static final String[] SUFFIXES = {"", "-wal", "-journal"};

  @TempDir Path folder;

  /** What a crash leaves is what the files are at that point. */
  @Test
  void crashWhileADatabaseWithAWalIsReplacedLeavesOneOfBoth() throws Exception {
    Path old = killed("PRAGMA journal_mode = WAL", "COMMIT");
    assertTrue(Files.size(companion(old, "-wal")) > 32);
    requireOneOfBothAtEachStep(old);
  }

  @Test
  void crashWhileADatabaseWithAHotJournalIsReplacedLeavesOneOfBoth() throws Exception {
    Path old = killed("PRAGMA cache_size = 1", "SELECT 1");
    assertTrue(Files.size(companion(old, "-journal")) > 512);
    requireOneOfBothAtEachStep(old);
  }

  private void requireOneOfBothAtEachStep(Path old) throws Exception {
    List<Path> crashes = new ArrayList<>();
    try (DatabasePlace place =
        new DatabasePlace(
            old,
            DatabasePlace.Existing.REPLACE,
            step -> {
              Path crash = folder.resolve("crash-" + crashes.size()).resolve("a.db");
              crashes.add(crash);
              copy(old, crash);
            })) {
      try (Connection made = open(place.staging());
          Statement statement = made.createStatement()) {
        statement.execute("CREATE TABLE t (x)");
        statement.execute("INSERT INTO t VALUES ('new')");
      }
      OldDatabase.settle(place);
      Path settled = folder.resolve("settled/a.db");
      copy(old, settled);
      assertEquals("old 500", content(settled));
      // The file by itself, too: names that went need not have gone in order.
      Files.copy(old, folder.resolve("alone.db"));
      assertEquals("old 500", content(folder.resolve("alone.db")));
      place.publish();
    }
    for (Path crash : crashes) {
      String content = content(crash);
      assertTrue(content.equals("old 500") || content.equals("new 1"), content);
    }
    assertEquals("new 1", content(old));
  }

  @Test
  void forceReplacesADatabaseThatWasKilled() throws Exception {
    Path old = killed("PRAGMA journal_mode = WAL", "COMMIT");
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    CliRun.done("restore", "--force", "-o", old.toString(), replica);
    Path fresh = folder.resolve("fresh.db");
    CliRun.done("restore", "-o", fresh.toString(), replica);
    assertEquals(-1, Files.mismatch(fresh, old));
    assertFalse(Files.exists(companion(old, "-wal")));
  }

  @Test
  void forceReplacesADamagedDatabaseWithItsWal() throws Exception {
    Path old = killed("PRAGMA journal_mode = WAL", "COMMIT");
    Files.write(old, "no database at all".repeat(1000).getBytes(StandardCharsets.UTF_8));
    Files.write(companion(old, "-wal"), new byte[100]);
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    CliRun.done("restore", "--force", "-o", old.toString(), replica);
    assertFalse(Files.exists(companion(old, "-wal")));
  }

  @Test
  void databaseThatIsReadElsewhereIsKept() throws Exception {
    Path old = killed("PRAGMA journal_mode = WAL", "COMMIT");
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    try (Connection reader = open(old);
        Statement statement = reader.createStatement()) {
      statement.execute("BEGIN");
      statement.executeQuery("SELECT count(*) FROM t").close();
      CliRun run = CliRun.of("restore", "--force", "-o", old.toString(), replica);
      assertEquals(
          "sluice: restore to " + old + ": another program has the database there open\n",
          run.err());
    }
    assertEquals("old 500", content(old));
  }

  /** Its journal is not hot: who reads the database finds nothing wrong with it. */
  @Test
  void databaseThatIsWrittenElsewhereKeepsItsJournal() throws Exception {
    Path old = killed("PRAGMA cache_size = 1", "SELECT 1");
    assertEquals("old 500", content(old));
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    try (Connection writer = open(old);
        Statement statement = writer.createStatement()) {
      statement.execute("PRAGMA synchronous = OFF");
      statement.execute("BEGIN IMMEDIATE");
      statement.execute("UPDATE t SET x = 'torn'");
      assertTrue(Files.size(companion(old, "-journal")) > 512);
      CliRun run = CliRun.of("restore", "--force", "-o", old.toString(), replica);
      assertEquals(
          "sluice: restore to " + old + ": another program has the database there open\n",
          run.err());
      assertTrue(Files.size(companion(old, "-journal")) > 512);
      statement.execute("ROLLBACK");
    }
    assertEquals("old 500", content(old));
  }

  @Test
  void restoreRemovesWhatAKilledOneLeft() throws Exception {
    Path out = folder.resolve("out.db");
    Path left =
        Files.createFile(folder.resolve(".out.db.0f8fad5b-d9cb-469f-a165-70867728950e.restoring"));
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    CliRun.done("restore", "-o", out.toString(), replica);
    assertFalse(Files.exists(left));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(0, files.filter(path -> path.toString().contains(".restoring")).count());
    }
  }

  /** A database as a process leaves it that is killed after the last statement. */
  private Path killed(String first, String last) throws SQLException {
    Path living = folder.resolve("living/a.db");
    Path killed = folder.resolve("killed/a.db");
    try {
      Files.createDirectories(folder.resolve("living"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try (Connection writer = open(living);
        Statement statement = writer.createStatement()) {
      statement.execute(first);
      statement.execute("PRAGMA wal_autocheckpoint = 0");
      statement.execute("CREATE TABLE t (x, filler)");
      boolean isLeftOpen = !last.equals("COMMIT");
      if (!isLeftOpen) {
        statement.execute("BEGIN");
      }
      statement.execute(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
              + " INSERT INTO t SELECT 'old', randomblob(300) FROM n");
      if (isLeftOpen) {
        statement.execute("BEGIN");
        statement.execute("UPDATE t SET x = 'torn', filler = randomblob(300)");
      }
      statement.execute(last);
      copy(living, killed);
    }
    return killed;
  }

  private static Connection open(Path database) throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:" + database);
  }

  private static String content(Path database) throws SQLException {
    try (Connection connection = open(database);
        Statement statement = connection.createStatement()) {
      try (ResultSet row = statement.executeQuery("PRAGMA integrity_check")) {
        assertEquals("ok", row.getString(1));
      }
      try (ResultSet row =
          statement.executeQuery("SELECT group_concat(DISTINCT x), count(*) FROM t")) {
        return row.getString(1) + " " + row.getInt(2);
      }
    }
  }

  private static Path companion(Path database, String suffix) {
    return database.resolveSibling(database.getFileName() + suffix);
  }

  private static void copy(Path from, Path to) {
    try {
      Files.createDirectories(to.resolveSibling(""));
      for (String suffix : SUFFIXES) {
        if (Files.exists(companion(from, suffix))) {
          Files.copy(companion(from, suffix), companion(to, suffix));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
