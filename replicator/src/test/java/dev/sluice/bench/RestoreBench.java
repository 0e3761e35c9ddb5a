package dev.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * How fast a database is restored from a local S3-compatible server, beside what bounds it: {@code
 * curl} of the same objects, and writing as many bytes. See {@code jmh/bench/restore} for its
 * arguments.
 *
 * <p>Each restore has a JVM of its own, whose client has made one request before the clock starts.
 */
final class RestoreBench {
  private final Path folder;
  private final BenchReplica replica;
  private final Path database;

  private RestoreBench(Path folder, BenchReplica replica) {
    this.folder = folder;
    this.replica = replica;
    this.database = replica.database();
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("once")) {
      once(arguments[1], Path.of(arguments[2]));
      return;
    }
    Path folder = Files.createTempDirectory("sluice-bench");
    try {
      BenchReplica replica = BenchReplica.make(folder, Integer.parseInt(arguments[0]));
      RestoreBench bench = new RestoreBench(folder, replica);
      bench.restoreOnce(); // by which the server is warm
      for (int run = 1; run <= Integer.parseInt(arguments[1]); run++) {
        System.out.println("run " + run);
        bench.measure();
      }
    } finally {
      delete(folder);
    }
    System.exit(0);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private void measure() throws Exception {
    List<LtxFile> files = replica.files();
    long bytes = files.stream().mapToLong(LtxFile::size).sum();
    double curlSeconds = replica.curlSeconds(files);
    say("curl of the same objects", curlSeconds, bytes, files.size() + " files");
    say("write and fsync", writeSeconds(), Files.size(database), "");
    System.out.println(restoreOnce());
    Path out = folder.resolve("program.db");
    program(
        "sluice restore", List.of(launcher(), "restore", "-o", out.toString(), replica.url()), out);
    Optional<String> litestream = Optional.ofNullable(System.getenv("LITESTREAM"));
    if (litestream.isPresent()) {
      litestream(litestream.get());
    }
  }

  private static void say(String what, double seconds, long bytes, String more) {
    System.out.println(
        "  %-26s %6.2f s  %5.0f MB/s of %.0f MB  %s"
            .formatted(what, seconds, bytes / 1e6 / seconds, bytes / 1e6, more));
  }

  private static void requireDone(Process process, String what)
      throws IOException, InterruptedException {
    if (process.waitFor() != 0) {
      throw new IOException(what + " failed: " + process.exitValue());
    }
  }

  private double writeSeconds() throws IOException {
    Path copy = folder.resolve("written.db");
    byte[] part = new byte[1 << 20];
    new Random(1).nextBytes(part);
    long begun = System.nanoTime();
    try (RandomAccessFile out = new RandomAccessFile(copy.toFile(), "rw")) {
      for (long left = Files.size(database); left > 0; left -= part.length) {
        out.write(part, 0, (int) Math.min(left, part.length));
      }
      out.getFD().sync();
    }
    double seconds = (System.nanoTime() - begun) / 1e9;
    Files.delete(copy);
    return seconds;
  }

  private static String launcher() {
    return Optional.ofNullable(System.getProperty("sluice.launcher")).orElseThrow();
  }

  /** Returns what the process says. */
  private String restoreOnce() throws Exception {
    Path out = folder.resolve("restored.db");
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            RestoreBench.class.getName(),
            "once",
            replica.url(),
            out.toString());
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).stripTrailing();
    requireDone(process, "restore");
    requireRestored(out);
    return said;
  }

  private void requireRestored(Path out) throws IOException {
    if (Files.mismatch(database, out) >= 0) {
      throw new IOException("the restored database is another one");
    }
    Files.delete(out);
  }

  /** Restores in this process, and says how it was. */
  private static void once(String url, Path out) throws Exception {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    try (ReplicaClient client = BenchReplica.open(url);
        Restorer restorer = new Restorer(client, new RequestMeter(), Duration.ofSeconds(30))) {
      long bytes = Listings.all(client).get().stream().mapToLong(LtxFile::size).sum();
      long cpu = system.getProcessCpuTime();
      long begun = System.nanoTime();
      Restorer.Result unused =
          restorer.restore(
              new Target.Latest(), out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
      double seconds = (System.nanoTime() - begun) / 1e9;
      say(
          "sluice, a warm client",
          seconds,
          bytes,
          taken(system.getProcessCpuTime() - cpu, "/proc/self"));
    }
    System.exit(0);
  }

  private static String taken(long cpuNanos, String process) throws IOException {
    String peak =
        Files.readAllLines(Path.of(process, "status")).stream()
            .filter(line -> line.startsWith("VmHWM:"))
            .findFirst()
            .orElseThrow(() -> new IOException(process + " has ended"));
    return "%.2f s of processors, %d MB of memory at most"
        .formatted(cpuNanos / 1e9, Long.parseLong(peak.replaceAll("\\D", "")) / 1000);
  }

  private void litestream(String program) throws Exception {
    Path config = folder.resolve("litestream.yml");
    Files.writeString(
        config,
        """
        dbs:
          - path: %s
            replica:
              type: s3
              force-path-style: true
              region: us-east-1
              bucket: %s
              path: db
              endpoint: %s
        """
            .formatted(database, replica.bucket(), replica.endpoint()),
        StandardCharsets.UTF_8);
    Path out = folder.resolve("litestream.db");
    program(
        "litestream restore",
        List.of(
            program,
            "restore",
            "-config",
            config.toString(),
            "-o",
            out.toString(),
            database.toString()),
        out);
  }

  /** Runs a program that restores, from its start to its end. */
  private void program(String what, List<String> command, Path out) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().putAll(BenchReplica.KEYS);
    builder.environment().remove("AWS_CA_BUNDLE");
    List<LtxFile> files;
    try (ReplicaClient client = BenchReplica.open(replica.url())) {
      files = Listings.all(client).get();
    }
    long begun = System.nanoTime();
    Process process = builder.start();
    String taken = "";
    while (process.isAlive()) {
      try {
        taken = taken(cpuNanos(process), "/proc/" + process.pid());
      } catch (IOException e) {
        // It has just ended.
      }
      boolean unused = process.waitFor(10, TimeUnit.MILLISECONDS);
    }
    double seconds = (System.nanoTime() - begun) / 1e9;
    requireDone(process, what);
    requireRestored(out);
    say(what, seconds, files.stream().mapToLong(LtxFile::size).sum(), taken);
  }

  private static long cpuNanos(Process process) {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
  }
}
