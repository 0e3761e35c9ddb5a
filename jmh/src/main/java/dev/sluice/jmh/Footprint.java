package dev.sluice.jmh;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.vfs.OpenReplica;
import dev.sluice.vfs.Sluice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What stays taken while nothing is asked: by open connections, beside ordinary ones of SQLite, and
 * by open replicas. Prints one line; each kind needs a JVM of its own, so that none pays for
 * another's warm-up. Linux only: memory is the resident set of {@code /proc}.
 */
final class Footprint {
  private static final int WARM_UP = 20;

  private Footprint() {}

  /** What a process has. */
  private record Taken(long heapBytes, long residentBytes, long descriptors, int threads) {

    static Taken now() throws IOException, InterruptedException {
      for (int i = 0; i < 3; i++) {
        System.gc();
        Thread.sleep(100);
      }
      Runtime runtime = Runtime.getRuntime();
      try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
        return new Taken(
            runtime.totalMemory() - runtime.freeMemory(),
            resident(),
            descriptors.count(),
            ManagementFactory.getThreadMXBean().getThreadCount());
      }
    }

    /** The heap is touched in advance, so that what grows here is not of the heap. */
    private static long resident() throws IOException {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
      throw new IOException("no VmRSS");
    }

    String since(Taken before, int count) {
      return String.format(
          "%.1f KB of heap, %.1f KB of other memory, %.2f descriptors, %.2f threads each",
          (heapBytes - before.heapBytes) / 1000.0 / count,
          (residentBytes - before.residentBytes) / 1000.0 / count,
          (double) (descriptors - before.descriptors) / count,
          (double) (threads - before.threads) / count);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Sluice.register();
    try (BenchFolder folder = BenchFolder.make()) {
      run(arguments[0], Integer.parseInt(arguments[1]), folder.path());
    }
  }

  private static void run(String what, int count, Path folder) throws Exception {
    switch (what) {
      case "local" -> connections("ordinary connections", count, "jdbc:sqlite:", database(folder));
      case "sluice" -> connections("replica connections", count, "replica", database(folder));
      case "replicas" -> replicas(folder, count);
      case "idle" -> idle(database(folder), count);
      default -> throw new IllegalArgumentException(what);
    }
  }

  private static BenchDatabase database(Path folder) throws IOException, SQLException {
    return BenchDatabase.make(folder, 5);
  }

  private static OpenReplica open(BenchDatabase database) throws IOException {
    return Sluice.open(
        ReplicaOptions.of(ReplicaUrl.ofDirectory(database.replica().toString()))
            .withCacheDirectory(database.replica().resolveSibling("cache")));
  }

  private static void connections(String what, int count, String prefix, BenchDatabase database)
      throws IOException, InterruptedException, SQLException {
    try (OpenReplica replica = open(database)) {
      String url = prefix.equals("replica") ? replica.jdbcUrl() : prefix + database.file();
      List<Connection> open = new ArrayList<>();
      for (int i = 0; i < WARM_UP; i++) {
        open.add(connect(url));
      }
      Taken before = Taken.now();
      for (int i = 0; i < count; i++) {
        open.add(connect(url));
      }
      System.out.println(count + " " + what + ": " + Taken.now().since(before, count));
      for (Connection connection : open) {
        connection.close();
      }
    }
  }

  /** Reads a row, so that SQLite has the schema and a few pages. */
  private static Connection connect(String url) throws SQLException {
    Connection connection = DriverManager.getConnection(url);
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT word FROM t WHERE id = 77")) {
      rows.next();
    }
    return connection;
  }

  private static void replicas(Path folder, int count)
      throws IOException, InterruptedException, SQLException {
    List<Connection> open = new ArrayList<>();
    Taken before = Taken.now();
    for (int i = 0; i < WARM_UP + count; i++) {
      if (i == WARM_UP) {
        before = Taken.now();
      }
      Path own = Files.createDirectory(folder.resolve("r" + i));
      Path replica = BenchDatabase.make(own, 1).replica();
      open.add(
          connect(
              "jdbc:sqlite:file:app.db?vfs=litestream&mode=ro&replica_url="
                  + replica
                  + "&cache_dir="
                  + own.resolve("cache")));
    }
    System.out.println(count + " replicas with a connection: " + Taken.now().since(before, count));
    for (Connection connection : open) {
      connection.close();
    }
  }

  private static void requireOpen(Connection connection) throws SQLException {
    if (connection.isClosed()) {
      throw new SQLException("closed");
    }
  }

  private static void idle(BenchDatabase database, int seconds)
      throws IOException, InterruptedException, SQLException {
    try (OpenReplica replica = open(database);
        Connection open = connect(replica.jdbcUrl())) {
      requireOpen(open);
      OperatingSystemMXBean system =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      Thread.sleep(3000);
      long cpuNanos = system.getProcessCpuTime();
      RequestMeter.Snapshot before = replica.replica().requests();
      Thread.sleep(seconds * 1000L);
      cpuNanos = system.getProcessCpuTime() - cpuNanos;
      RequestMeter.Snapshot after = replica.replica().requests();
      System.out.printf(
          "an idle replica, poll_interval 1s, %d s: %.2f LISTs a second,"
              + " %.2f ms of processor time a second%n",
          seconds, (double) (after.lists() - before.lists()) / seconds, cpuNanos / 1e6 / seconds);
    }
  }
}
