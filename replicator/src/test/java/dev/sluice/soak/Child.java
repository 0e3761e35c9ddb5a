package dev.sluice.soak;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A process of ours that is to be told things and killed. Its output goes to a file, and is looked
 * at there. It ends with this JVM. Confined to one thread at a time.
 */
final class Child implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofMinutes(2);
  private static final Set<Process> ALIVE = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> ALIVE.forEach(Process::destroyForcibly), "child-end"));
  }

  private final Process process;
  private final Path output;
  private final Writer input;

  private Child(Process process, Path output) {
    this.process = process;
    this.output = output;
    this.input = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
  }

  /** Starts a program; what it says goes to the end of {@code output}. */
  static Child start(List<String> command, Map<String, String> environment, Path output)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    builder.redirectOutput(ProcessBuilder.Redirect.to(output.toFile()));
    Process process = builder.start();
    ALIVE.add(process);
    return new Child(process, output);
  }

  /** Returns the command line of a JVM with this JVM's classes. */
  static List<String> java(Class<?> main, List<String> arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path")));
    command.add(main.getName());
    command.addAll(arguments);
    return command;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** Returns the exit code, of a process that has ended. */
  int exitCode() {
    return process.exitValue();
  }

  /** Returns what it has said until now. */
  String output() {
    try {
      return Files.readString(output, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void say(String line) throws IOException {
    input.write(line + "\n");
    input.flush();
  }

  /** Waits for a line of output; false if the process ends or two minutes pass without it. */
  boolean await(Predicate<String> line) throws InterruptedException {
    long endNanos = System.nanoTime() + START_LIMIT.toNanos();
    while (System.nanoTime() < endNanos) {
      boolean isLast = !process.isAlive();
      if (output().lines().anyMatch(line)) {
        return true;
      }
      if (isLast || process.waitFor(5, TimeUnit.MILLISECONDS)) {
        if (isLast) {
          return false;
        }
      }
    }
    return false;
  }

  /** Waits until it has ended; false if it has not within the limit. */
  boolean awaitEnd(Duration limit) throws InterruptedException {
    return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Ends it as {@code kill} does, and waits; false if it has not ended within the limit. */
  boolean stop(Duration limit) throws InterruptedException {
    process.destroy();
    return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Closes its input, and waits; false if it has not ended within the limit. */
  boolean end(Duration limit) throws IOException, InterruptedException {
    input.close();
    return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Ends it as {@code kill -9} does, and waits. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
      ALIVE.remove(process);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
