package dev.sluice.bench;

import dev.sluice.testkit.S3Server;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A daemon that replicates to a bucket, ours or the real one, and what it takes. Linux only: as
 * {@code /proc} says. Confined to one thread at a time.
 */
final class BenchDaemon implements AutoCloseable {
  private static final Duration STOP_LIMIT = Duration.ofSeconds(60);
  private static final Duration READER_LIMIT = Duration.ofSeconds(60);
  private static final Set<String> MARKS = Set.of("123", "124", "125", "126", "127");

  private final Process process;
  private final Optional<URI> metrics;

  /** Which program. */
  enum Kind {
    /** The launcher, which the property {@code sluice.launcher} names. */
    OURS,
    /** The binary that the environment variable {@code LITESTREAM} names. */
    LITESTREAM;

    static List<Kind> here() {
      return Stream.of(values()).filter(kind -> kind.program().isPresent()).toList();
    }

    private Optional<String> program() {
      String named =
          this == OURS ? System.getProperty("sluice.launcher") : System.getenv("LITESTREAM");
      return Optional.ofNullable(named).filter(path -> !path.isBlank());
    }
  }

  /**
   * Where to and how.
   *
   * @param syncMillis between two uploads in the long run; 1000 is the default of both, and below a
   *     second the real one looks at the database as often
   */
  record Setup(URI endpoint, String bucket, long syncMillis, List<Path> databases) {}

  private BenchDaemon(Process process, Optional<URI> metrics) {
    this.process = process;
    this.metrics = metrics;
  }

  static BenchDaemon start(Kind kind, Setup setup, Path folder) throws IOException {
    Path config = folder.resolve("daemon.yml");
    String metrics = "127.0.0.1:" + freePort();
    String address = "addr: \"" + metrics + "\"\n";
    Files.writeString(config, address + config(kind, setup), StandardCharsets.UTF_8);
    List<String> command =
        List.of(kind.program().orElseThrow(), "replicate", "-config", config.toString());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(
        ProcessBuilder.Redirect.appendTo(folder.resolve("daemon-" + kind + ".log").toFile()));
    builder.environment().put("AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID);
    builder.environment().put("AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);
    builder.environment().remove("AWS_CA_BUNDLE");
    Process process = builder.start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    return new BenchDaemon(process, Optional.of(URI.create("http://" + metrics + "/metrics")));
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      return free.getLocalPort();
    }
  }

  /** Starts a process that only has a connection to each database; when it has them all. */
  static BenchDaemon startBare(List<Path> databases) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xms32m",
                "-cp",
                System.getProperty("java.class.path"),
                BareConnections.class.getName()));
    databases.forEach(database -> command.add(database.toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    BufferedReader said =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = said.readLine();
    if (line == null || !line.startsWith(BareConnections.READY)) {
      throw new IOException("the connections could not be opened: " + line);
    }
    return new BenchDaemon(process, Optional.empty());
  }

  private static String config(Kind kind, Setup setup) {
    // What was stored is read when all is over.
    StringBuilder config = new StringBuilder("l0-retention: 1h\ndbs:\n");
    for (Path database : setup.databases()) {
      config.append("  - path: ").append(database).append('\n');
      if (kind == Kind.LITESTREAM && setup.syncMillis() < 1000) {
        config.append("    monitor-interval: ").append(setup.syncMillis()).append("ms\n");
      }
      config.append("    replica:\n      type: s3\n      force-path-style: true\n");
      config.append("      region: us-east-1\n      bucket: ").append(setup.bucket()).append('\n');
      config.append("      path: ").append(database.getFileName()).append('\n');
      config.append("      endpoint: ").append(setup.endpoint()).append('\n');
      config.append("      sync-interval: ").append(setup.syncMillis()).append("ms\n");
    }
    return config.toString();
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

  /** Returns what its metrics say of its only database; empty if they say nothing. */
  OptionalDouble metric(String name) throws IOException {
    try (InputStream answer = metrics.orElseThrow().toURL().openStream()) {
      String text = new String(answer.readAllBytes(), StandardCharsets.UTF_8);
      return text.lines()
          .filter(line -> line.startsWith(name + "{"))
          .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
          .findFirst();
    }
  }

  long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return all.count();
    }
  }

  /**
   * Waits until it keeps a mark of the WAL, as a reader does: {@code /proc/locks} shows one of the
   * five locks for that, bytes 123 to 127 of the index.
   */
  void awaitReader(Path database) throws IOException {
    String inode = ":" + Files.getAttribute(Path.of(database + "-shm"), "unix:ino");
    long end = System.nanoTime() + READER_LIMIT.toNanos();
    while (Files.readAllLines(Path.of("/proc/locks")).stream()
        .noneMatch(lock -> isMark(lock, inode))) {
      if (System.nanoTime() > end) {
        throw new IOException("no reader of " + database);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  private boolean isMark(String lock, String inode) {
    String[] is = lock.trim().split(" +", -1);
    boolean isOurs = is.length == 8 && is[4].equals(String.valueOf(process.pid()));
    return isOurs && is[5].endsWith(inode) && MARKS.contains(is[6]) && is[6].equals(is[7]);
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
