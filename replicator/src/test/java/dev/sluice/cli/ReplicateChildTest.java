package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice replicate -exec}: the application as a child. */
final class ReplicateChildTest {
  private static final int CTRL_C = 3;

  @TempDir Path folder;

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private ReplicateProcess start(String command) throws Exception {
    return ReplicateProcess.start(folder, "-exec", command, path("app.db"), path("replica"));
  }

  private static List<String> rows(String database) throws Exception {
    List<String> rows = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT number, text FROM n ORDER BY number")) {
      while (row.next()) {
        rows.add(row.getInt(1) + " " + row.getString(2));
      }
    }
    return rows;
  }

  @Test
  void lastCommitOfAChildIsShippedAndItsExitCodeIsOurs() throws Exception {
    String child =
        "'%s' -cp '%s' %s '%s'"
            .formatted(
                ReplicateProcess.java(),
                System.getProperty("java.class.path"),
                CommittingChild.class.getName(),
                path("app.db"));
    try (ReplicateProcess replicate = start(child)) {
      assertEquals(CommittingChild.EXIT_CODE, replicate.exitCode(), replicate.err());
      assertEquals("", replicate.err());
    }
    CliRun.done("restore", "--integrity-check", "full", "-o", path("copy.db"), path("replica"));
    List<String> restored = rows(path("copy.db"));
    assertEquals(CommittingChild.COMMITS, restored.size());
    assertEquals(rows(path("app.db")), restored);
  }

  /** Returns a shell script that says that it is ready, and then waits for signals. */
  private String script(String traps) throws Exception {
    Path script =
        Files.writeString(
            folder.resolve("child.sh"), traps + "; echo ready; while :; do sleep 0.05; done");
    return "sh '" + script + "'";
  }

  @ParameterizedTest
  @CsvSource({"HUP,11", "INT,12", "TERM,15"})
  void signalIsPassedOnToTheChild(String name, int exitCode) throws Exception {
    ReplicateProcess.assumeHeard(name);
    String child = script("trap 'exit 11' HUP; trap 'exit 12' INT; trap 'exit 15' TERM");
    try (ReplicateProcess replicate = start(child)) {
      replicate.awaitLine("ready");
      replicate.signal(name);
      assertEquals(exitCode, replicate.exitCode());
      assertEquals("", replicate.err());
    }
  }

  @Test
  void secondSignalKillsAChildThatGoesOn() throws Exception {
    try (ReplicateProcess replicate = start(script("trap 'echo first' TERM"))) {
      replicate.awaitLine("ready");
      ProcessHandle child = replicate.children().get(0);
      replicate.signal("TERM");
      replicate.awaitLine("first");
      replicate.signal("TERM");
      assertEquals(128 + 15, replicate.exitCode());
      child.onExit().get(ReplicateProcess.SURELY_SECONDS, java.util.concurrent.TimeUnit.SECONDS);
      assertFalse(child.isAlive());
    }
  }

  /** Its exit code is how often it was interrupted until a second after the first time. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void childGetsAnInterruptOfTheTerminalOnce() throws Exception {
    ReplicateProcess.assumeHeard("INT");
    Path script =
        Files.writeString(
            folder.resolve("child.sh"),
            """
            n=0
            trap 'n=$((n+1))' INT
            echo ready
            while [ $n -eq 0 ]; do sleep 0.05; done
            i=0
            while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done
            exit $((10+n))
            """);
    try (ReplicateProcess replicate =
        ReplicateProcess.startInATerminal(
            folder, "-exec", "sh '" + script + "'", path("app.db"), path("replica"))) {
      replicate.awaitLine("ready");
      replicate.type(CTRL_C);
      assertEquals(11, replicate.exitCode());
    }
  }
}
