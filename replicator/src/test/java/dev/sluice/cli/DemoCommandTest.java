package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The demo as it is, with its processes. */
final class DemoCommandTest {
  private static final List<String> ACTS =
      List.of(
          "demo", "app", "daemon", "replica", "follow", "past", "loss", "restore", "compare",
          "done");

  @Test
  void allActsAreShownAndNothingIsLeftBehind() {
    List<ProcessHandle> before = ProcessHandle.current().children().toList();
    CliRun run = CliRun.done("demo");
    List<String> acts = run.out().lines().map(line -> line.split(" ", 2)[0]).toList();
    assertEquals(ACTS, acts, run.out());
    assertFalse(Files.exists(folder(run.out())), run.out());
    List<ProcessHandle> left =
        ProcessHandle.current()
            .children()
            .filter(child -> child.isAlive() && !before.contains(child))
            .toList();
    assertEquals(List.of(), left);
  }

  @Test
  void whatIsKeptCanBeQueried() throws IOException {
    CliRun run = CliRun.done("demo", "--keep");
    Path folder = folder(run.out());
    try {
      String query =
          run.out().lines().filter(line -> line.startsWith("keep ")).findFirst().orElseThrow();
      String replica = query.replaceFirst("keep +sluice sql (\\S+) .*", "$1");
      long orders =
          Long.parseLong(CliRun.done("sql", replica, "SELECT count(*) FROM orders").out().strip());
      assertTrue(run.out().contains("all " + orders + " orders are there"), run.out());
      assertTrue(Files.exists(folder.resolve("shop.db")));
    } finally {
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  @Test
  void signalEndsItsProcessesAndRemovesItsFolder() throws Exception {
    Process demo =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "demo")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
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
