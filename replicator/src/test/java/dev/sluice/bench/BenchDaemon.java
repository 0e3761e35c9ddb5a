package dev.sluice.bench;

import dev.sluice.testkit.S3Server;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A daemon that replicates to a bucket, ours or the real one, and what it takes. Linux only: as
 * {@code /proc} says. Confined to one thread at a time.
 */
final class BenchDaemon implements AutoCloseable {
  private static final Duration STOP_LIMIT = Duration.ofSeconds(60);

  private final Process process;

  /** Which program. */
  enum Kind {
    OURS,
    /** The binary that the environment variable {@code LITESTREAM} names. */
    LITESTREAM;

    static List<Kind> here() {
      return litestream().isPresent() ? List.of(OURS, LITESTREAM) : List.of(OURS);
    }

    private static Optional<String> litestream() {
      return Optional.ofNullable(System.getenv("LITESTREAM")).filter(path -> !path.isBlank());
    }
  }

  /**
   * Where to and how.
   *
   * @param syncMillis between two uploads in the long run; 1000 is the default of both, and below a
   *     second the real one looks at the database as often
   */
  record Setup(URI endpoint, String bucket, long syncMillis, List<Path> databases) {}

  private BenchDaemon(Process process) {
    this.process = process;
  }

  static BenchDaemon start(Kind kind, Setup setup, Path folder) throws IOException {
    List<String> command = kind == Kind.OURS ? ours(setup) : litestream(setup, folder);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(
        ProcessBuilder.Redirect.appendTo(folder.resolve("daemon-" + kind + ".log").toFile()));
    builder.environment().put("AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID);
    builder.environment().put("AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);
    builder.environment().remove("AWS_CA_BUNDLE");
    Process process = builder.start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    return new BenchDaemon(process);
  }

  private static List<String> ours(Setup setup) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                Long.toString(setup.syncMillis()),
                "s3://" + setup.bucket() + "/%s?endpoint=" + setup.endpoint()));
    setup.databases().forEach(database -> arguments.add(database.toString()));
    return java(ReplicatorProcess.class, arguments);
  }

  private static List<String> java(Class<?> main, List<String> arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    command.addAll(arguments);
    return command;
  }

  /** Starts a process that only has a connection to each database; when it has them all. */
  static BenchDaemon startBare(List<Path> databases) throws IOException {
    List<String> arguments = databases.stream().map(Path::toString).toList();
    Process process =
        new ProcessBuilder(java(BareConnections.class, arguments))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    BufferedReader said =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = said.readLine();
    if (line == null || !line.startsWith(BareConnections.READY)) {
      throw new IOException("the connections could not be opened: " + line);
    }
    return new BenchDaemon(process);
  }

  private static List<String> litestream(Setup setup, Path folder) throws IOException {
    StringBuilder config = new StringBuilder("dbs:\n");
    for (Path database : setup.databases()) {
      config.append("  - path: ").append(database).append('\n');
      if (setup.syncMillis() < 1000) {
        config.append("    monitor-interval: ").append(setup.syncMillis()).append("ms\n");
      }
      config.append("    replica:\n      type: s3\n      force-path-style: true\n");
      config.append("      region: us-east-1\n      bucket: ").append(setup.bucket()).append('\n');
      config.append("      path: ").append(database.getFileName()).append('\n');
      config.append("      endpoint: ").append(setup.endpoint()).append('\n');
      config.append("      sync-interval: ").append(setup.syncMillis()).append("ms\n");
    }
    Path file = folder.resolve("litestream.yml");
    Files.writeString(file, config, StandardCharsets.UTF_8);
    return List.of(Kind.litestream().orElseThrow(), "replicate", "-config", file.toString());
  }

  /** Returns the processor time it has taken. */
  Duration cpu() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Returns what {@code /proc/PID/status} says under a name, in its unit (KB of memory). */
  long status(String name) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
      if (line.startsWith(name + ":")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no " + name);
  }

  long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return all.count();
    }
  }

  /** Ends it in order, and waits. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
