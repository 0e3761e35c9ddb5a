package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** {@code sluice replicate} in a process of its own, which signals can be sent to. */
final class ReplicateProcess implements AutoCloseable {
  static final int SURELY_SECONDS = 60;

  private final Process process;
  private final Path err;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

  private ReplicateProcess(Process process, Path err) {
    this.process = process;
    this.err = err;
    Thread reader = new Thread(this::read, "replicate-output");
    reader.setDaemon(true);
    reader.start();
  }

  /** Starts it with these arguments. */
  static ReplicateProcess start(Path folder, String... arguments) throws IOException {
    return run(folder, command(arguments));
  }

  /** Starts it with these arguments in a terminal of its own, which {@link #type} types into. */
  static ReplicateProcess startInATerminal(Path folder, String... arguments) throws IOException {
    String line =
        command(arguments).stream()
            .map(word -> "'" + word.replace("'", "'\\''") + "'")
            .collect(Collectors.joining(" "));
    return run(folder, List.of("script", "-qec", "exec " + line, "/dev/null"));
  }

  private static ReplicateProcess run(Path folder, List<String> command) throws IOException {
    Path err = Files.createTempFile(folder, "err", "");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(err.toFile());
    return new ReplicateProcess(builder.start(), err);
  }

  private static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of(
            java(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "replicate"));
    command.addAll(List.of(arguments));
    return command;
  }

  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private void read() {
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      lines.add(e.toString());
    }
  }

  /** Waits for a line of its output, or of its child's, that holds these words. */
  void awaitLine(String words) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SURELY_SECONDS);
    String line = "";
    while (!line.contains(words)) {
      line = lines.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (line == null) {
        throw new TimeoutException("no line \"" + words + "\"; " + Files.readString(err));
      }
    }
  }

  /** Types a key into its terminal. */
  void type(int key) throws IOException {
    process.getOutputStream().write(key);
    process.getOutputStream().flush();
  }

  /** Where a test run in the background ignores a signal, so do the processes that it starts. */
  static void assumeHeard(String signal) throws IOException {
    Path status = Path.of("/proc/self/status");
    int number =
        switch (signal) {
          case "HUP" -> 1;
          case "INT" -> 2;
          case "TERM" -> 15;
          default -> throw new IllegalArgumentException(signal);
        };
    long ignored = 0;
    for (String line : Files.exists(status) ? Files.readAllLines(status) : List.<String>of()) {
      if (line.startsWith("SigIgn:")) {
        ignored = Long.parseUnsignedLong(line.substring(line.indexOf(':') + 1).strip(), 16);
      }
    }
    assumeTrue((ignored >>> (number - 1) & 1) == 0, () -> "SIG" + signal + " is ignored here");
  }

  /** Sends a signal, by its name as {@code INT}. */
  void signal(String name) throws Exception {
    assertEquals(
        0, new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor(), name);
  }

  /** Returns the processes that it has begun. */
  List<ProcessHandle> children() {
    return process.children().toList();
  }

  /** Waits for its end, and returns its exit code. */
  int exitCode() throws Exception {
    assertTrue(process.waitFor(SURELY_SECONDS, TimeUnit.SECONDS), "it does not end");
    return process.exitValue();
  }

  /** Returns what it has said on standard error. */
  String err() throws IOException {
    return Files.readString(err, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
