package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
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
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The demo as it is, with its processes. */
final class DemoCommandTest {
  private static final List<String> ACTS =
      List.of(
          "demo", "app", "daemon", "replica", "follow", "past", "loss", "restore", "compare",
          "done");

  /** Twenty seconds on a machine that does nothing else. */
  private static final int END_SECONDS = 60;

  private static ProcessBuilder demo() {
    return new ProcessBuilder(
            ReplicateProcess.java(),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "demo")
        .redirectError(ProcessBuilder.Redirect.DISCARD);
  }

  /** Returns a number that the one line of an act tells. */
  private static long told(String out, String pattern) {
    List<MatchResult> found = Pattern.compile(pattern).matcher(out).results().toList();
    assertEquals(1, found.size(), () -> pattern + " in " + out);
    return Long.parseLong(found.get(0).group(1));
  }

  @Test
  void allActsAreShownInTimeAndNothingIsLeftBehind() throws Exception {
    Path file = Files.createTempFile("demo", "out");
    Process demo = demo().redirectOutput(file.toFile()).start();
    List<ProcessHandle> children = new ArrayList<>();
    try {
      for (int tenth = 0; !demo.waitFor(100, TimeUnit.MILLISECONDS); tenth++) {
        demo.descendants().filter(child -> !children.contains(child)).forEach(children::add);
        assertTrue(tenth < 10 * END_SECONDS, () -> "it does not end: " + read(file));
      }
      String out = read(file);
      assertEquals(ExitCode.DONE, demo.exitValue(), out);
      assertEquals(ACTS, out.lines().map(line -> line.split(" ", 2)[0]).toList(), out);
      assertFalse(Files.exists(folder(out)), out);
      assertTrue(children.size() >= 2, children.toString());
      assertTrue(children.stream().noneMatch(ProcessHandle::isAlive));
      assertWhatIsTold(out);
    } finally {
      demo.descendants().forEach(ProcessHandle::destroyForcibly);
      demo.destroyForcibly();
      Files.delete(file);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The replica grows, the past does not, and what is restored is all of it. */
  private static void assertWhatIsTold(String out) {
    long first = told(out, "replica +jdbc:\\S+ opens in [^:]+: (\\d+) orders\n");
    long past = told(out, "past +&txid=[0-9a-f]+ opens in .* and shows (\\d+) orders,");
    long present = told(out, "past .* beside the present with (\\d+)\n");
    long restored = told(out, "compare +all (\\d+) orders are there, as they were\n");
    assertTrue(0 < first && first <= past, out);
    assertTrue(5 <= past && past + 8 <= present, out); // the commits that were waited for
    assertTrue(present <= restored, out);
  }

  @Test
  void whatIsKeptCanBeQueried() throws IOException, SQLException {
    CliRun run = CliRun.done("demo", "--keep");
    Path folder = folder(run.out());
    try {
      String query =
          run.out().lines().filter(line -> line.startsWith("keep ")).findFirst().orElseThrow();
      String replica = query.replaceFirst("keep +sluice sql (\\S+) .*", "$1");
      long orders =
          Long.parseLong(CliRun.done("sql", replica, "SELECT count(*) FROM orders").out().strip());
      assertTrue(run.out().contains("all " + orders + " orders are there"), run.out());
      String past = "" + told(run.out(), "shows (\\d+) orders,");
      String txid = run.out().replaceFirst("(?s).*&txid=([0-9a-f]+) .*", "$1");
      String count = "SELECT count(*) FROM orders";
      assertEquals(past + "\n", CliRun.done("sql", "--txid", txid, replica, count).out());
      assertEquals(orders, rows(folder.resolve("shop.db")));
    } finally {
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private static long rows(Path database) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM orders")) {
      return row.getLong(1);
    }
  }

  @Test
  void signalEndsItsProcessesAndRemovesItsFolder() throws Exception {
    Process demo = demo().start();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(demo.getInputStream(), StandardCharsets.UTF_8))) {
      Path folder = folder(String.valueOf(lines.readLine()));
      String line = "";
      while (!line.startsWith("daemon ")) {
        line = String.valueOf(lines.readLine());
        assertFalse(line.equals("null"), "it ended");
      }
      List<ProcessHandle> children = demo.descendants().toList();
      assertEquals(2, children.size());
      demo.destroy();
      assertTrue(demo.waitFor(30, TimeUnit.SECONDS));
      assertFalse(Files.exists(folder));
      for (ProcessHandle child : children) {
        child.onExit().get(30, TimeUnit.SECONDS);
      }
    } finally {
      demo.destroyForcibly();
    }
  }

  private static Path folder(String out) {
    return Arrays.stream(out.split("\n", -1))
        .filter(line -> line.startsWith("demo "))
        .map(line -> Path.of(line.replaceFirst("demo +in ", "")))
        .findFirst()
        .orElseThrow();
  }
}
