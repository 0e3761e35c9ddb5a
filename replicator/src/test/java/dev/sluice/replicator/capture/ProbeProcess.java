package dev.sluice.replicator.capture;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A program of ours in a process of its own, for locks are between processes: each line that it is
 * told it answers with one. Confined to one thread at a time.
 */
final class ProbeProcess implements AutoCloseable {
  private final Process process;
  private final PrintStream to;
  private final BufferedReader from;

  ProbeProcess(Class<?> main) throws IOException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                main.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    to = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    from =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Tells it something and returns what it answers. */
  String ask(Object line) throws IOException {
    to.println(line);
    return String.valueOf(from.readLine());
  }

  @Override
  public void close() {
    process.destroy();
  }
}
