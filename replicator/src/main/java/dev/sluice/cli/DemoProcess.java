package dev.sluice.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A child process of the demo, run from the same jar: each line that it prints is handed on, what
 * it says on standard error goes to a file. Thread-safe.
 */
final class DemoProcess implements AutoCloseable {
  private final String name;
  private final Process process;
  private final Path log;

  private DemoProcess(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /**
   * Starts one.
   *
   * @param command a main class and its arguments, with what else the JVM is to get before it
   */
  static DemoProcess start(
      String name, List<String> command, Path folder, Map<String, String> environment)
      throws IOException {
    return start(name, command, folder, environment, line -> {});
  }

  /** As the other, with somebody who takes the lines on a thread of its own. */
  static DemoProcess start(
      String name,
      List<String> command,
      Path folder,
      Map<String, String> environment,
      Consumer<String> lines)
      throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-Xmx256m"));
    all.addAll(command);
    Path log = folder.resolve(name + ".log");
    ProcessBuilder builder = new ProcessBuilder(all).redirectError(log.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    Thread reader = new Thread(() -> read(process, lines), "demo-" + name);
    reader.setDaemon(true);
    reader.start();
    return new DemoProcess(name, process, log);
  }

  private static void read(Process process, Consumer<String> lines) {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        lines.accept(line);
      }
    } catch (IOException e) {
      // It has ended.
    }
  }

  /** Throws if it has ended although nobody asked it to. */
  void requireAlive() throws Failure {
    if (!process.isAlive()) {
      throw new Failure("run the " + name, "it ended with code " + process.exitValue() + said());
    }
  }

  private String said() {
    try {
      List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
      return lines.isEmpty() ? "" : ": " + lines.get(lines.size() - 1);
    } catch (IOException e) {
      return "";
    }
  }

  /** Ends it by closing its standard input. */
  void endInput(Duration limit) throws Failure, IOException {
    process.getOutputStream().close();
    await(limit);
  }

  /** Ends it by a signal, as an operator would. */
  void terminate(Duration limit) throws Failure {
    process.destroy();
    await(limit);
  }

  private void await(Duration limit) throws Failure {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new Failure("end the " + name, "it did not within " + limit.toSeconds() + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("end the " + name, "interrupted");
    }
    if (process.exitValue() != ExitCode.DONE) {
      throw new Failure("end the " + name, "its code is " + process.exitValue() + said());
    }
  }

  /** Ends it whatever it does, and waits until it is gone. Idempotent. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
