package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SqlCommandTest {

  @TempDir Path folder;

  @Test
  void committedExampleHoldsItsHistory() throws IOException, SQLException {
    String committed =
        Path.of(System.getProperty("sluice.root", ".."), "docs", "example").toString();
    ExampleReplica.write(folder);
    for (int txid = 1; txid <= ExampleReplica.STEPS.size(); txid++) {
      String[] sql = {
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM boat",
        "SELECT * FROM passage",
        "SELECT * FROM revenue"
      };
      String expected = rows(folder.toString(), txid, sql);
      assertEquals(expected, rows(committed, txid, sql));
    }
  }

  private static String rows(String replica, int txid, String... sql) {
    String[] args = new String[sql.length + 4];
    System.arraycopy(
        new String[] {"sql", "--txid", Integer.toHexString(txid), replica}, 0, args, 0, 4);
    System.arraycopy(sql, 0, args, 4, sql.length);
    return CliRun.done(args).out();
  }

  @Test
  void timestampMeansTheNewestStateBeforeIt() throws IOException, SQLException {
    ExampleReplica.write(folder);
    Instant third = ExampleReplica.STEPS.get(2).time();
    String sql = "SELECT litestream_txid()";
    assertEquals(
        "0000000000000002\n",
        CliRun.done("sql", "--timestamp", third.toString(), folder.toString(), sql).out());
    assertEquals(
        "0000000000000003\n",
        CliRun.done("sql", "-timestamp", third.plusMillis(1).toString(), folder.toString(), sql)
            .out());
    assertEquals(
        "0000000000000006\n",
        CliRun.done("sql", "-timestamp", "LATEST", folder.toString(), sql).out());
  }

  @Test
  void optionsMayStandAfterTheSql() {
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    assertEquals(
        "[{\"a\":1}]\n", CliRun.done("sql", replica, "-- first\nSELECT 1 AS a", "-json").out());
  }

  @Test
  void statsAreOneJsonLineOnStderr() {
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    CliRun run = CliRun.of("sql", "--stats", replica, "SELECT count(*) FROM sqlite_schema");
    assertEquals(ExitCode.DONE, run.exitCode());
    String expected =
        "\\{\"txid\":\"0000000000000006\",\"list\":[1-9]\\d*,\"get\":[1-9]\\d*,\"head\":\\d+,\"bytes\":[1-9]\\d*,\"rounds\":[1-9]\\d*,"
            + "\"hedges\":\\d+,\"waste_bytes\":\\d+,\"open_ms\":\\d+,\"first_row_ms\":\\d+,\"total_ms\":\\d+}\n";
    assertTrue(run.err().matches(expected), run.err());
  }

  @Test
  void statsOfNoRowSayNull() {
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    assertTrue(
        CliRun.of("sql", "--stats", replica, "SELECT 1 WHERE 0")
            .err()
            .contains("\"first_row_ms\":null,"));
  }

  @Test
  void writingIsRefused() {
    String replica = Golden.named("small-4096").copyTo(folder).toString();
    CliRun run = CliRun.of("sql", replica, "SELECT 7; CREATE TABLE t (a)");
    assertEquals("7\n", run.out());
    assertEquals(
        "sluice: run \"CREATE TABLE t (a)\": attempt to write a readonly database\n", run.err());
    assertEquals(ExitCode.FAILED, run.exitCode());
  }

  @Test
  void emptyReplicaFailsAtTheDeadline() throws IOException {
    String nothing = Files.createDirectory(folder.resolve("nothing")).toString();
    assertFailsAtTheDeadline("no files yet", "sql", nothing, "SELECT 1");
  }

  @Test
  void missingDirectoryFailsAtOnce() {
    Path missing = folder.resolve("missing");
    CliRun run = CliRun.of("sql", missing.toString(), "SELECT 1");
    assertEquals("sluice: open file://" + missing + ": there is no such directory\n", run.err());
    assertEquals(ExitCode.FAILED, run.exitCode());
  }

  @Test
  void thePastOpensBesideABrokenPresent() throws IOException {
    Path replica = Golden.named("incr-4096").copyTo(folder);
    Files.delete(replica.resolve("ltx/0/0000000000000005-0000000000000005.ltx"));
    String query = "SELECT litestream_txid()";
    assertFailsAtTheDeadline("0000000000000005 is missing", "sql", replica.toString(), query);
    CliRun past = CliRun.done("sql", "--txid", "4", replica.toString(), query);
    assertEquals("0000000000000004\n", past.out());
  }

  @Test
  void txidThatNoFileEndsAtNamesItsNeighbours() {
    String replica = Golden.named("levels-incr-4096").copyTo(folder).toString();
    CliRun run = CliRun.of("sql", "--txid", "5", replica, "SELECT 1");
    assertOneLine(run, "0000000000000004");
    assertTrue(run.err().contains("0000000000000006"), run.err());
  }

  @Test
  void damageNamesTheFile() throws IOException {
    Path replica = Golden.named("small-4096").copyTo(folder);
    Path file = replica.resolve("ltx/0/0000000000000003-0000000000000003.ltx");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 7));
    assertOneLine(
        CliRun.of("sql", replica.toString(), "SELECT 1"), "0000000000000003-0000000000000003");
  }

  /** Runs it again if the machine had other work until the deadline, and nothing was found. */
  private static void assertFailsAtTheDeadline(String reason, String... args) {
    CliRun run = CliRun.failing(args);
    assertOneLine(run.err().contains(reason) ? run : CliRun.failing(args), reason);
  }

  private static void assertOneLine(CliRun run, String reason) {
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("sluice: open "), run.err());
    assertTrue(run.err().contains(reason), run.err());
    assertFalse(run.err().contains("SQLITE_"), run.err());
    assertEquals("", run.out());
  }
}
