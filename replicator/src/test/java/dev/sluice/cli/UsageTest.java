package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class UsageTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {
        "sqk                           # unknown command \"sqk\"; did you mean \"sql\"?",
        "frobnicate                    # unknown command \"frobnicate\"",
        "sql --tx 1 . X                # sql: unknown option \"--tx\"; did you mean \"--txid\"?",
        "help restor                   # unknown command \"restor\"; did you mean \"restore\"?",
        "sql --jsn . X                 # sql: unknown option \"--jsn\"; did you mean \"--json\"?",
        "sql . X -stat                 # sql: unknown option \"-stat\"; did you mean \"--stats\"?",
        "ltx --levl=1 .                # ltx: unknown option \"--levl\"; did you mean \"--level\"?",
        "databases more                # databases: one argument too many: \"more\"",
        "databases -confg x            # databases: unknown option \"-confg\"; did you mean \"--config\"?",
        "ltx . more                    # ltx: one argument too many: \"more\"",
        "ltx --level 10 .              # ltx: --level: \"10\" is neither 0 to 9 nor all",
        "restore .                     # restore: -o OUT is required: REPLICA is no configured database",
        "restore -o x -integrity-check some . # restore: --integrity-check: \"some\" is none of none, quick, full",
        "sql --txid 1 -timestamp LATEST . X   # sql: --txid and --timestamp exclude each other",
        "sql --timestamp 2026-11-20 . X       # sql: --timestamp: the time has no zone: \"2026-11-20\"; *",
        "sql -txid 0x1g . X            # sql: Invalid value for option '--txid': not a TXID (1 to 16 hex digits): \"0x1g\"",
        "replicate -once -socket s a.db r     # replicate: --once and --socket exclude each other",
        "replicate -log-level soon a.db r     # replicate: --log-level: none of trace, debug, info, warn, error: \"soon\"",
        "replicate -enforce-retention a.db r  # replicate: unknown option \"-enforce-retention\"",
        "restore -parallelism 0 -o x .        # restore: --parallelism: 0 is not 1 or more",
        "restore -dry-run -o x .       # restore: unknown option \"-dry-run\"",
        "reset -dry-run app.db         # reset: unknown option \"-dry-run\"",
        "unregister -dry-run app.db    # unregister: unknown option \"-dry-run\"",
        "sync                          # sync: Missing required parameter: 'DB'",
        "sync --wat app.db             # sync: unknown option \"--wat\"; did you mean \"--wait\"?",
        "sync -timeout 0s app.db       # sync: --timeout: \"0s\" is not positive",
        "stop -timeout soon app.db     # stop: --timeout: *",
        "start a.db b.db               # start: one argument too many: \"b.db\"",
        "register app.db               # register: one REPLICA must follow DB",
        "register -replica x app.db y  # register: one REPLICA must follow DB",
        "list --sokket x               # list: unknown option \"--sokket\"; did you mean \"--socket\"?",
        "info app.db                   # info: one argument too many: \"app.db\"",
        "unregister                    # unregister: Missing required parameter: 'DB'",
        "reset                         # reset: Missing required parameter: 'DB'",
        "sql .                         # sql: Missing required parameter: 'SQL'"
      })
  void wrongUsageIsOneLineAndExitCodeTwo(String arguments, String line) {
    CliRun run = CliRun.of(arguments.strip().split(" +"));
    String expected = "sluice: " + line;
    if (expected.endsWith("*")) {
      assertTrue(run.err().startsWith(expected.substring(0, expected.length() - 1)), run.err());
    } else {
      assertEquals(expected + "\n", run.err());
    }
    assertEquals(1, run.err().lines().count(), run.err());
    assertEquals(ExitCode.WRONG_USAGE, run.exitCode());
    assertEquals("", run.out());
  }

  @Test
  void noCommandIsWrongUsage() {
    CliRun run = CliRun.of();
    assertEquals("sluice: no command given; \"sluice help\" shows them\n", run.err());
    assertEquals(ExitCode.WRONG_USAGE, run.exitCode());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ltx foo://x -v",
        "-v ltx foo://x",
        "ltx -verbose foo://x",
        "--verbose ltx foo://x"
      })
  void verboseAddsTheTrace(String arguments) {
    CliRun run = CliRun.of(arguments.split(" "));
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(
        run.err().startsWith("sluice: open foo://x: replica URL scheme \"foo\" is unknown"),
        run.err());
    assertTrue(run.err().contains("\tat dev.sluice.cli."), run.err());
    assertFalse(CliRun.of("ltx", "foo://x").err().contains("\tat "));
  }

  @Test
  void fileInPlaceOfAReplicaIsSaid() {
    String file = UsageTest.class.getResource("UsageTest.class").getPath();
    CliRun run = CliRun.of("ltx", file);
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(run.err().startsWith("sluice: open " + file + ": that is a file; "), run.err());
  }

  @Test
  void helpShowsEachOptionInItsUsualForm() {
    String help = CliRun.done("help", "sql").out();
    assertTrue(
        help.startsWith(
            "Usage: sluice sql [--txid T | --timestamp T] [--json] [--stats] [--config FILE]"
                + " [--no-expand-env]\n"),
        help);
    assertTrue(help.contains("  --json "), help);
    assertFalse(help.contains("-json,") || help.contains(" -json") || help.contains("--v "), help);
    assertEquals(help, CliRun.done("sql", "--help").out());
    assertEquals(help, CliRun.done("sql", "-h").out());
  }

  @Test
  void helpNamesEveryCommand() {
    String help = CliRun.done("help").out();
    for (String command :
        new String[] {
          "demo",
          "replicate",
          "databases",
          "status",
          "sync",
          "list",
          "info",
          "start",
          "stop",
          "register",
          "unregister",
          "reset",
          "sql",
          "restore",
          "ltx",
          "version",
          "help"
        }) {
      assertTrue(help.contains("\n  " + command + " "), help);
    }
  }

  @Test
  void versionNamesTheSqliteThatAnswers() throws SQLException, IOException {
    String version = CliRun.done("version").out();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite::memory:");
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT sqlite_version()")) {
      assertTrue(version.contains("\nSQLite " + rows.getString(1) + "\n"), version);
    }
    assertTrue(
        version.matches("(?s)Sluice \\d+\\.\\d+\\.\\d+\\S*\nSQLite .*\nJava \\d+.*\n"), version);
  }
}
