package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.control.TestDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands that ask a daemon, beside one and without one. */
final class ControlCommandTest {
  private static final String FIRST = "0000000000000001";

  @TempDir Path folder;

  private TestDaemon daemon;
  private String socket = "";
  private String app = "";

  @BeforeEach
  void start() throws IOException {
    daemon = new TestDaemon(folder);
    socket = daemon.socket().toString();
    app = daemon.path("app.db").toString();
  }

  @AfterEach
  void stop() {
    daemon.close();
  }

  private static void assertMatches(String pattern, String text) {
    assertTrue(text.matches(pattern), text);
  }

  /** It may have been shipped before that was asked. */
  @Test
  void syncPrintsTheTxidThatTheReplicaHas() throws Exception {
    daemon.replicate("app.db");
    assertMatches(
        "status: (synced|no_change)\ndb_path: "
            + app
            + "\ntxid: "
            + FIRST
            + "\nreplica_txid: "
            + FIRST
            + "\nduration_ms: \\d+\n",
        CliRun.done("sync", "-wait", "-timeout", "30", "-socket", socket, app).out());
    assertMatches(
        "\\{\"status\":\"no_change\",.*\"txid\":\"" + FIRST + "\".*\\}\n",
        CliRun.done("sync", "--wait", "--json", "--socket", socket, app).out());
  }

  @Test
  void syncThatDoesNotWaitSaysThatItAsked() throws Exception {
    daemon.replicate("app.db").last().syncAndWait(Duration.ofSeconds(30));
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    assertMatches("(?s)status: asked\n.*", CliRun.done("sync", "-socket", socket, app).out());
  }

  @Test
  void statusListAndInfoTellOfTheDaemon() throws Exception {
    daemon.replicate("app.db");
    CliRun.done("sync", "-wait", "-socket", socket, app);
    String status = CliRun.done("status", "-socket", socket).out();
    assertMatches(
        "(?s)database +status +local_txid +replica_txid +lag +spool +trouble\n"
            + app
            + " +capturing +"
            + FIRST
            + " +"
            + FIRST
            + " +0.0s +0 +-\n",
        status);
    assertEquals(status, CliRun.done("status", "-socket", socket, app).out());
    assertMatches(
        "\\[\\{\"database\":\"" + app + "\".*\"lag_txids\":0,.*\\}\\]\n",
        CliRun.done("status", "-json", "-socket", socket).out());
    assertMatches(
        "database +status +last_sync\n" + app + " +replicating +2\\S+Z\n",
        CliRun.done("list", "-socket", socket).out());
    assertMatches(
        "version: 1.2.3\npid: \\d+\nstarted_at: \\S+Z\nuptime_seconds: \\d+\ndatabase_count: 1\n",
        CliRun.done("info", "-socket", socket).out());
  }

  @Test
  void databaseIsRegisteredStoppedStartedAndUnregistered() throws Exception {
    daemon.write("app.db", "CREATE TABLE t(a)");
    String replica = daemon.replica("app.db").path();
    assertEquals(
        "status: registered\ndb_path: " + app + "\n",
        CliRun.done("register", "-socket", socket, app, replica).out());
    assertMatches(
        "status: already_registered\n.*\n",
        CliRun.done("register", "-socket", socket, "-replica", replica, app).out());
    CliRun.done("sync", "-wait", "-socket", socket, app);
    assertEquals(
        "status: stopped\ndb_path: " + app + "\ntxid: " + FIRST + "\n",
        CliRun.done("stop", "-socket", socket, app).out());
    assertMatches(
        "\\{\"status\":\"started\",.*\\}\n",
        CliRun.done("start", "-json", "-socket", socket, app).out());
    assertMatches(
        "(?s)status: unregistered\n.*", CliRun.done("unregister", "-socket", socket, app).out());
    assertEquals("database  status  last_sync\n", CliRun.done("list", "-socket", socket).out());
  }

  @Test
  void refusalIsOneLine() {
    CliRun run = CliRun.of("sync", "-socket", socket, app);
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertEquals("sluice: sync " + app + ": database not found: " + app + "\n", run.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync X", "list", "info", "start X", "stop X", "unregister X", "status"})
  void withoutADaemonThatIsSaid(String arguments) {
    String none = folder.resolve("none.sock").toString();
    CliRun run = CliRun.of((arguments + " -socket " + none).split(" "));
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(
        run.err()
            .endsWith(
                ": no daemon: there is no socket " + none + " (it makes one with --socket)\n"),
        run.err());
    assertEquals(1, run.err().lines().count());
  }

  @Test
  void statusOfADaemonWithoutASocketSaysSo() throws Exception {
    daemon.replicate("app.db").last().syncAndWait(Duration.ofSeconds(30));
    String none = folder.resolve("none.sock").toString();
    assertMatches(
        "(?s)database .*\n" + app + " +no socket +" + FIRST + " +- +- +\\d+ +-\n",
        CliRun.done("status", "-socket", none, app).out());
  }

  @Test
  void statusWithoutADaemonTellsOfSpoolAndReplica() throws Exception {
    daemon.replicate("app.db");
    CliRun.done("sync", "-wait", "-socket", socket, app);
    daemon.close();
    assertMatches(
        "(?s)database .*\n" + app + " +no daemon +" + FIRST + " +- +- +\\d+ +-\n",
        CliRun.done("status", "-socket", socket, app).out());
    Path config = folder.resolve("litestream.yml");
    Files.writeString(
        config,
        "socket:\n  path: "
            + socket
            + "\ndbs:\n  - path: "
            + app
            + "\n    replica:\n      path: "
            + daemon.replica("app.db").path()
            + "\n");
    assertMatches(
        "(?s)database .*\n" + app + " +no daemon +" + FIRST + " +" + FIRST + " +- +\\d+ +-\n",
        CliRun.done("status", "-config", config.toString()).out());
  }

  @Test
  void resetIsRefusedBesideADaemonAndBeginsAnewAfterIt() throws Exception {
    daemon.replicate("app.db");
    CliRun.done("sync", "-wait", "-socket", socket, app);
    CliRun refused = CliRun.of("reset", app);
    assertEquals(ExitCode.FAILED, refused.exitCode());
    assertMatches(
        "sluice: reset " + app + ": .*another process replicates this database.*\n", refused.err());
    CliRun.done("stop", "-socket", socket, app);
    assertEquals("removed the spool of " + app + "\n", CliRun.done("reset", app).out());
    CliRun none = CliRun.of("reset", app);
    assertEquals(ExitCode.FAILED, none.exitCode());
    assertTrue(none.err().contains(": there is no spool in "), none.err());
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    CliRun.done("start", "-socket", socket, app);
    String synced = CliRun.done("sync", "-wait", "-socket", socket, app).out();
    assertTrue(synced.contains("\nreplica_txid: 0000000000000002\n"), synced);
    assertFalse(CliRun.done("status", "-socket", socket, app).out().contains("stopped"));
  }

  /** Has a commit in the spool that neither replica nor file have; returns the spool. */
  private Path onlyInTheSpool() throws Exception {
    Path spool = daemon.replicate("app.db").settings().metaPath();
    CliRun.done("sync", "-wait", "-socket", socket, app);
    Path replica = Path.of(daemon.replica("app.db").path());
    Files.move(replica, folder.resolve("away"));
    Files.writeString(replica, "no folder");
    daemon.write("app.db", "INSERT INTO t VALUES('only here')");
    CliRun stopped = CliRun.of("stop", "-timeout", "1s", "-socket", socket, app);
    assertMatches(
        "sluice: stop " + app + ": [1-9][0-9]* bytes are not shipped: .*\n", stopped.err());
    Files.delete(Path.of(app));
    Files.delete(replica);
    Files.move(folder.resolve("away"), replica);
    return spool;
  }

  @Test
  void resetKeepsWhatMayBeNowhereElse() throws Exception {
    Path spool = onlyInTheSpool();
    Path aside = spool.resolveSibling(spool.getFileName() + ".left-1");
    assertEquals(
        app + " is gone: what its spool holds lies in " + aside + " now\n",
        CliRun.done("reset", app).out());
    assertFalse(Files.exists(spool));
    Files.move(aside, spool);
    CliRun.done("start", "-socket", socket, app);
    CliRun.done("stop", "-socket", socket, app);
    String replica = daemon.replica("app.db").path();
    assertEquals(
        "only here\n",
        CliRun.done("sql", "--txid", "0000000000000002", replica, "SELECT a FROM t").out());
  }

  @Test
  void resetOfADamagedSpoolIsRefusedWhereTheDatabaseIsGone() throws Exception {
    Path spool = onlyInTheSpool();
    Path record = spool.resolve("position");
    Files.writeString(record, "damaged");
    CliRun refused = CliRun.of("reset", app);
    assertEquals(ExitCode.FAILED, refused.exitCode());
    assertMatches("sluice: reset " + app + ": " + record + " offset=.*\n", refused.err());
    assertTrue(Files.exists(record));
    daemon.write("app.db", "CREATE TABLE t(a)");
    assertEquals("removed the spool of " + app + "\n", CliRun.done("reset", app).out());
  }
}
