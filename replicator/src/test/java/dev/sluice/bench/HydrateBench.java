package dev.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.storage.LtxFile;
import dev.sluice.vfs.Sluice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * How soon a replica is hydrated from a local S3-compatible server, beside {@code curl} of the same
 * objects and Litestream's own VFS. See {@code jmh/bench/hydrate} for its arguments.
 *
 * <p>The clock starts when the connection is opened. A process of its own hydrates {@link #TIMES}
 * times, each time into an empty folder: the first is that of a JVM that has just started, the last
 * that of one that has done it before.
 */
final class HydrateBench {
  private static final String HYDRATE = "hydrate";
  private static final int TIMES = 6;
  private static final String PROGRESS = "PRAGMA litestream_hydration_progress";
  private static final String DONE = "100.0";
  private static final String LITESTREAM_SCRIPT = "jmh/bench/litestream-hydrate.py";

  private final Path folder;
  private final BenchReplica replica;

  private HydrateBench(Path folder, BenchReplica replica) {
    this.folder = folder;
    this.replica = replica;
  }

  /**
   * How long something took.
   *
   * @param openSeconds of it until the first row was there
   */
  private record Taken(double seconds, double cpuSeconds, double openSeconds) {

    /** Begins a line with three numbers, which follow. */
    static final String MARK = "taken ";

    /** Reads three numbers. */
    static Taken parse(String text) {
      String[] numbers = text.strip().split(" ", 3);
      return new Taken(
          Double.parseDouble(numbers[0]),
          Double.parseDouble(numbers[1]),
          Double.parseDouble(numbers[2]));
    }

    static Taken median(List<Taken> runs) {
      List<Taken> sorted = new ArrayList<>(runs);
      sorted.sort(Comparator.comparingDouble(Taken::seconds));
      return sorted.get(sorted.size() / 2);
    }

    void print(String what, long bytes) {
      System.out.println(
          "%-40s%6.2f s %6.0f MB/s, %.1f s of processors, first row after %.2f s"
              .formatted(what, seconds, bytes / 1e6 / seconds, cpuSeconds, openSeconds));
    }
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals(HYDRATE)) {
      hydrate(arguments[1], Path.of(arguments[2]), Path.of(arguments[3]));
      return;
    }
    Path folder = Files.createTempDirectory("sluice-bench");
    try {
      BenchReplica replica = BenchReplica.make(folder, Integer.parseInt(arguments[0]));
      new HydrateBench(folder, replica).run(Integer.parseInt(arguments[1]));
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

  private void run(int runs) throws Exception {
    List<LtxFile> files = replica.files();
    long bytes = files.stream().mapToLong(LtxFile::size).sum();
    System.out.println(
        "%.0f MB in %d files, a database of %.0f MB"
            .formatted(bytes / 1e6, files.size(), Files.size(replica.database()) / 1e6));
    List<Taken> curl = new ArrayList<>();
    List<Taken> started = new ArrayList<>();
    List<Taken> warm = new ArrayList<>();
    List<Taken> litestream = new ArrayList<>();
    List<Taken> warmUp = ours(); // of the server
    for (int run = 0; run < runs; run++) {
      curl.add(new Taken(replica.curlSeconds(files), 0, 0));
      List<Taken> ours = ours();
      started.add(ours.get(0));
      warm.add(ours.get(TIMES - 1));
      if (System.getenv("LITESTREAM_VFS") != null) {
        litestream.add(litestream(System.getenv("LITESTREAM_VFS")));
      }
    }
    System.out.println(
        "medians of %d, after one of %.2f s:".formatted(runs, warmUp.get(0).seconds()));
    double curlSeconds = Taken.median(curl).seconds();
    System.out.println(
        "%-40s%6.2f s %6.0f MB/s"
            .formatted("curl of the same objects", curlSeconds, bytes / 1e6 / curlSeconds));
    Optional<Taken> theirs =
        litestream.isEmpty() ? Optional.empty() : Optional.of(Taken.median(litestream));
    theirs.ifPresent(taken -> taken.print("Litestream's VFS, to hydrated", bytes));
    print("sluice, the first time in a JVM", Taken.median(started), bytes, theirs);
    print("sluice, the " + TIMES + "th time in a JVM", Taken.median(warm), bytes, theirs);
  }

  private static void print(String what, Taken taken, long bytes, Optional<Taken> litestream) {
    taken.print(what, bytes);
    litestream.ifPresent(
        theirs ->
            System.out.println(
                "  %.2f of Litestream's time".formatted(taken.seconds() / theirs.seconds())));
  }

  private List<Taken> ours() throws IOException, InterruptedException {
    return run(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            HydrateBench.class.getName(),
            HYDRATE,
            replica.url(),
            replica.database().toString(),
            folder.resolve("sluice").toString()));
  }

  private static void requireHydrated(Path database, Path file) throws IOException {
    long differs = Files.mismatch(database, file);
    if (differs >= 0 && differs < Files.size(database)) {
      throw new IOException(file + " differs at " + differs);
    }
    Files.delete(file);
  }

  private Taken litestream(String vfs) throws IOException, InterruptedException {
    String python =
        Optional.ofNullable(System.getenv("LITESTREAM_PYTHON")).orElse("/usr/bin/python3");
    List<Taken> taken = run(List.of(python, LITESTREAM_SCRIPT, vfs));
    requireHydrated(replica.database(), litestreamFile());
    return taken.get(0);
  }

  private Path litestreamFile() {
    return folder.resolve("litestream.db");
  }

  private List<Taken> run(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(BenchReplica.KEYS);
    builder.environment().remove("AWS_CA_BUNDLE");
    builder.environment().put("LITESTREAM_REPLICA_URL", replica.url());
    builder.environment().put("LITESTREAM_HYDRATION_ENABLED", "true");
    builder.environment().put("LITESTREAM_HYDRATION_PATH", litestreamFile().toString());
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(command.get(0) + " failed: " + process.exitValue());
    }
    return said.lines()
        .filter(line -> line.startsWith(Taken.MARK))
        .map(line -> Taken.parse(line.substring(Taken.MARK.length())))
        .toList();
  }

  /** Hydrates in this process again and again, and says each time how long it took. */
  private static void hydrate(String url, Path database, Path folder)
      throws SQLException, IOException, InterruptedException {
    Semaphore closed = new Semaphore(0);
    Sluice.register();
    Sluice.addListener(
        new ReplicaListener() {
          @Override
          public void closed(Replica replica) {
            closed.release();
          }
        });
    for (int i = 0; i < TIMES; i++) {
      Path own = Files.createDirectory(folder);
      Path file = own.resolve("hydrated.db");
      Taken taken =
          hydrate(
              "jdbc:sqlite:file:bench?vfs=litestream&mode=ro&hydration_enabled=true&cache_dir="
                  + own
                  + "&hydration_path="
                  + file
                  + "&replica_url="
                  + URLEncoder.encode(url, StandardCharsets.UTF_8));
      System.out.println(
          Taken.MARK + taken.seconds() + " " + taken.cpuSeconds() + " " + taken.openSeconds());
      requireHydrated(database, file);
      closed.acquire(); // until then the disk is busy
      delete(own);
    }
    System.exit(0);
  }

  private static Taken hydrate(String jdbcUrl) throws SQLException {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpu = system.getProcessCpuTime();
    long begun = System.nanoTime();
    try (Connection connection = DriverManager.getConnection(jdbcUrl);
        Statement statement = connection.createStatement()) {
      requireRows(statement);
      double openSeconds = (System.nanoTime() - begun) / 1e9;
      while (!isHydrated(statement)) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
      }
      double seconds = (System.nanoTime() - begun) / 1e9;
      return new Taken(seconds, (system.getProcessCpuTime() - cpu) / 1e9, openSeconds);
    }
  }

  private static void requireRows(Statement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery("SELECT a FROM t WHERE id = 77")) {
      if (!rows.next()) {
        throw new SQLException("no rows");
      }
    }
  }

  private static boolean isHydrated(Statement statement) throws SQLException {
    try (ResultSet progress = statement.executeQuery(PROGRESS)) {
      progress.next();
      return DONE.equals(progress.getString(1));
    }
  }
}
