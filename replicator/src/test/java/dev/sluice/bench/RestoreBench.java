package dev.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.S3Server;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
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
  private static final int PAGE_BYTES = 4096;
  private static final int ROW_BYTES = 3500;
  private static final int UPDATES = 12;

  /** Of these the first are compacted once. */
  private static final int LEVEL_1_FILES = 4;

  private static final Map<String, String> KEYS =
      Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();
  private final Random random = new Random(1);
  private final Path folder;
  private final Path database;
  private final int rows;

  private RestoreBench(Path folder, int megabytes) {
    this.folder = folder;
    this.database = folder.resolve("app.db");
    this.rows = (int) (megabytes * 1_000_000L / PAGE_BYTES);
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("once")) {
      once(arguments[1], Path.of(arguments[2]));
      return;
    }
    Path folder = Files.createTempDirectory("sluice-bench");
    try {
      RestoreBench bench = new RestoreBench(folder, Integer.parseInt(arguments[0]));
      bench.makeReplica();
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

  private static ReplicaClient open(String url) {
    return ReplicaClients.open(ReplicaUrl.parse(url), name -> Optional.ofNullable(KEYS.get(name)));
  }

  private String url() {
    return "s3://" + bucket + "/db?endpoint=" + server.endpoint();
  }

  /** A snapshot of rows that LZ4 halves, and files of a hundredth of the pages each. */
  private void makeReplica() throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement();
        ReplicaClient client = open(url())) {
      statement.execute("PRAGMA page_size=" + PAGE_BYTES);
      statement.execute("PRAGMA synchronous=OFF");
      statement.execute("PRAGMA journal_mode=MEMORY");
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)");
      write(connection, "INSERT INTO t(a, id) VALUES(?, ?)", rows, 1);
      Path before = folder.resolve("before.db");
      store(client, 9, 1, Optional.empty());
      for (int txid = 2; txid < UPDATES + 2; txid++) {
        Files.copy(database, before);
        write(connection, "UPDATE t SET a=? WHERE id=?", rows, 100);
        store(client, txid < LEVEL_1_FILES + 2 ? 1 : 0, txid, Optional.of(before));
        Files.delete(before);
      }
    }
  }

  private void write(Connection connection, String sql, int count, int step) throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int row = 1; row + step <= count + 1; row += step) {
        statement.setString(1, text());
        statement.setInt(2, row + random.nextInt(step));
        statement.executeUpdate();
      }
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  private String text() {
    StringBuilder text = new StringBuilder(ROW_BYTES + 16);
    while (text.length() < ROW_BYTES) {
      text.append(Integer.toHexString(random.nextInt(1 << 16))).append(" sluice ");
    }
    text.setLength(ROW_BYTES);
    return text.toString();
  }

  /** Stores the pages that differ from those of another file, or all. */
  private void store(ReplicaClient client, int level, long txid, Optional<Path> before)
      throws Exception {
    Path content = folder.resolve("content.ltx");
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    long commit = Files.size(database) / PAGE_BYTES;
    LtxHeader header = LtxHeader.of(PAGE_BYTES, commit, range, System.currentTimeMillis());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(content), 1 << 20);
        LtxEncoder encoder = new LtxEncoder(out, header);
        RandomAccessFile pages = new RandomAccessFile(database.toFile(), "r");
        RandomAccessFile old = new RandomAccessFile(before.orElse(database).toFile(), "r")) {
      byte[] page = new byte[PAGE_BYTES];
      byte[] oldPage = new byte[PAGE_BYTES];
      for (long pgno = 1; pgno <= commit; pgno++) {
        pages.readFully(page);
        boolean isNew = before.isEmpty() || old.read(oldPage) < PAGE_BYTES;
        if (isNew || !Arrays.equals(page, oldPage)) {
          encoder.page(pgno, page);
        }
      }
      encoder.finish();
    }
    LtxFile unused =
        client.createIfAbsent(new LtxFileName(level, range), content, Instant.now()).get();
    Files.delete(content);
  }

  private void measure() throws Exception {
    List<LtxFile> files;
    try (ReplicaClient client = open(url())) {
      files = Listings.all(client).get();
    }
    long bytes = files.stream().mapToLong(LtxFile::size).sum();
    double curlSeconds = curl(files);
    say("curl of the same objects", curlSeconds, bytes, files.size() + " files");
    say("write and fsync", writeSeconds(), Files.size(database), "");
    System.out.println(restoreOnce());
    Path out = folder.resolve("program.db");
    program("sluice restore", List.of(launcher(), "restore", "-o", out.toString(), url()), out);
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

  /** One connection, one object after the other. */
  private double curl(List<LtxFile> files) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("curl", "-s", "-f"));
    for (LtxFile file : files) {
      URI url =
          server
              .anonymousEndpoint()
              .resolve(
                  "/%s/db/%04x/%s.ltx".formatted(bucket, file.name().level(), file.name().range()));
      command.addAll(List.of("-o", "/dev/null", url.toString()));
    }
    long begun = System.nanoTime();
    requireDone(new ProcessBuilder(command).inheritIO().start(), "curl");
    return (System.nanoTime() - begun) / 1e9;
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
    random.nextBytes(part);
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
            url(),
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
    try (ReplicaClient client = open(url);
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
            .formatted(database, bucket, server.endpoint()),
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
    builder.environment().putAll(KEYS);
    builder.environment().remove("AWS_CA_BUNDLE");
    List<LtxFile> files;
    try (ReplicaClient client = open(url())) {
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
