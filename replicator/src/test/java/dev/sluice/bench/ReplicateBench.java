package dev.sluice.bench;

import dev.sluice.bench.BenchDaemon.Kind;
import dev.sluice.testkit.FaultProxy.Exchange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The figures of a daemon beside an application, ours and the real one in the same run, against a
 * local S3-compatible server. See {@code jmh/bench/replicate} for its arguments.
 */
final class ReplicateBench {
  private static final Pattern LEVEL_0 = Pattern.compile(".*/0000/([0-9a-f]{16})-\\1\\.ltx");
  private static final long WAIT_SECONDS = 300;

  private final Path folder;
  private final Kind kind;

  private ReplicateBench(Path folder, Kind kind) {
    this.folder = folder;
    this.kind = kind;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> words = List.of(arguments);
    int number = words.size() > 1 ? Integer.parseInt(words.get(1)) : 0;
    long sync = words.size() > 2 ? Long.parseLong(words.get(2)) : 1000;
    for (Kind kind : Kind.here()) {
      Path folder = Files.createTempDirectory("sluice-bench");
      ReplicateBench bench = new ReplicateBench(folder, kind);
      String said =
          switch (words.get(0)) {
            case "latency" -> bench.latency(number, sync);
            case "application" -> bench.application(number, sync);
            case "image" -> bench.image(number);
            case "idle" -> bench.idle(number, sync);
            default -> throw new IllegalArgumentException("unknown: " + words.get(0));
          };
      System.out.println(kind + ": " + said);
    }
    System.exit(0);
  }

  private BenchDaemon start(BenchStorage storage, long sync, List<Path> databases)
      throws IOException {
    return BenchDaemon.start(
        kind, new BenchDaemon.Setup(storage.endpoint(), storage.bucket(), sync, databases), folder);
  }

  private static void pause(long millis) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /** Waits until each replica has a file, as the answers say: listings would cost the server. */
  private static void settle(BenchStorage storage, List<Path> databases) throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    for (Path database : databases) {
      while (!storage.isAnyStored(name(database))) {
        if (System.nanoTime() > end) {
          throw new IOException("nothing was replicated");
        }
        pause(20);
      }
    }
  }

  private static String name(Path database) {
    return String.valueOf(database.getFileName());
  }

  /** From a commit to its object, at random gaps, after a quiet minute. */
  private String latency(int commits, long sync) throws Exception {
    Path database = folder.resolve("app.db");
    try (BenchStorage storage = new BenchStorage();
        BenchApplication application = new BenchApplication(database);
        BenchDaemon daemon = start(storage, sync, List.of(database))) {
      application.commit(1);
      settle(storage, List.of(database));
      pause(60_000);
      storage.proxy().clearLog();
      Random random = new Random(1);
      Duration before = daemon.cpu();
      long begun = System.nanoTime();
      long[] committed = new long[commits + 2];
      for (int i = 2; i < commits + 2; i++) {
        application.commit(i);
        committed[i] = System.nanoTime();
        pause(50 + random.nextInt(1450));
      }
      double seconds = (System.nanoTime() - begun) / 1e9;
      Duration cpu = daemon.cpu().minus(before);
      pause(5000);
      List<Long> millis = latencies(storage, name(database), committed);
      return "sync %d ms, %d commits at gaps of 0.05-1.5 s: p50 %d ms, max %d ms; %.2f PUT/s, %.1f %% of a core"
          .formatted(
              sync,
              commits,
              millis.get(millis.size() / 2),
              millis.get(millis.size() - 1),
              puts(storage).size() / seconds,
              cpu.toNanos() / 1e7 / seconds);
    }
  }

  private static Map<Long, Long> puts(BenchStorage storage) {
    Map<Long, Long> ends = new TreeMap<>();
    for (Exchange exchange : storage.proxy().log()) {
      Matcher matcher = LEVEL_0.matcher(exchange.request().path());
      if (exchange.request().method().equals("PUT") && matcher.matches()) {
        ends.put(Long.parseUnsignedLong(matcher.group(1), 16), exchange.endNanos());
      }
    }
    return ends;
  }

  private static List<Long> latencies(BenchStorage storage, String database, long[] committed)
      throws IOException {
    Map<Long, Long> ends = puts(storage);
    List<Long> millis = new ArrayList<>();
    int next = 2;
    for (Map.Entry<Long, Long> file :
        storage.numbers(database, 1, BenchApplication.AT_NUMBER - 4).entrySet()) {
      long last = file.getValue() & 0xFFFF_FFFFL;
      for (; next <= last && next < committed.length; next++) {
        Long end = ends.get(file.getKey());
        if (end != null) {
          millis.add(TimeUnit.NANOSECONDS.toMillis(end - committed[next]));
        }
      }
    }
    if (millis.size() < committed.length - 2) {
      throw new IOException("only " + millis.size() + " commits were stored");
    }
    millis.sort(null);
    return millis;
  }

  /** What an application notices: as fast as it goes, and at 2,000 commits a second. */
  private String application(int seconds, long sync) throws Exception {
    StringBuilder said = new StringBuilder("sync " + sync + " ms");
    for (int rate : List.of(0, 2000)) {
      Path aloneAt = folder.resolve("alone-" + rate + ".db");
      BenchApplication.Run alone;
      try (BenchApplication application = new BenchApplication(aloneAt)) {
        application.run(2, rate);
        alone = application.run(seconds, rate);
      }
      said.append("\n  alone:  ").append(alone);
      said.append("\n  beside: ").append(beside(seconds, rate, sync, alone));
    }
    return said.toString();
  }

  private String beside(int seconds, int rate, long sync, BenchApplication.Run alone)
      throws SQLException, IOException {
    Path database = folder.resolve("beside-" + rate + ".db");
    try (BenchStorage storage = new BenchStorage();
        BenchApplication application = new BenchApplication(database);
        BenchDaemon daemon = start(storage, sync, List.of(database))) {
      settle(storage, List.of(database));
      application.run(2, rate);
      BenchApplication.Run beside = application.run(seconds, rate);
      return beside
          + "; %.2fx of alone, p50 %.1fx, p99 %.1fx; %d MB at most"
              .formatted(
                  beside.commitsPerSecond() / alone.commitsPerSecond(),
                  (double) beside.p50Micros() / Math.max(1, alone.p50Micros()),
                  (double) beside.p99Micros() / Math.max(1, alone.p99Micros()),
                  daemon.status("VmHWM") / 1000)
          + barriers(daemon);
    }
  }

  /** For how long writers were kept out, as our daemon says; nothing of the real one. */
  private static String barriers(BenchDaemon daemon) throws IOException {
    OptionalDouble count = daemon.metric("sluice_barriers_total");
    return count.isEmpty()
        ? ""
        : "; barrier: %.0f, p99 %.1f ms, max %.1f ms"
            .formatted(
                count.getAsDouble(),
                1000 * daemon.metric("sluice_barrier_p99_seconds").orElseThrow(),
                1000 * daemon.metric("sluice_barrier_max_seconds").orElseThrow());
  }

  /** The first image, to the object stored; an idle minute; and a restart beside the database. */
  private String image(int megabytes) throws Exception {
    Path database = folder.resolve("large.db");
    try (BenchStorage storage = new BenchStorage();
        BenchApplication application = new BenchApplication(database)) {
      application.fill(megabytes * 1_000_000L);
      long begun = System.nanoTime();
      StringBuilder said = new StringBuilder();
      long sent;
      try (BenchDaemon daemon = start(storage, 1000, List.of(database))) {
        settle(storage, List.of(database));
        said.append("first image of %d MB: %.1f s".formatted(megabytes, since(begun)));
        said.append(", %d MB of memory".formatted(daemon.status("VmHWM") / 1000));
        Duration before = daemon.cpu();
        pause(60_000);
        double percent = daemon.cpu().minus(before).toNanos() / 60e7;
        said.append("; the minute after it: %.1f %% of a core".formatted(percent));
        sent = storage.bytes(name(database));
        said.append(", %.1f MB stored".formatted(sent / 1e6));
      }
      storage.proxy().clearLog();
      long begunAgain = System.nanoTime();
      try (BenchDaemon daemon = start(storage, 1000, List.of(database))) {
        application.commit(2);
        daemon.awaitReader(database);
        said.append(
            "; after a restart: the first reader held after %.1f s".formatted(since(begunAgain)));
        settle(storage, List.of(database));
        said.append(", a commit made meanwhile stored after %.1f s".formatted(since(begunAgain)));
        pause(25_000);
        long more = storage.bytes(name(database)) - sent;
        said.append(", %.3f MB stored".formatted(more / 1e6));
        said.append(daemon.isAlive() ? "" : ", and it has ended");
      }
      return said.toString();
    }
  }

  private static double since(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }

  /** Databases that nobody writes. */
  private String idle(int count, long sync) throws Exception {
    List<Path> databases = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Path database = folder.resolve("idle-" + i + ".db");
      try (BenchApplication application = new BenchApplication(database)) {
        application.commit();
      }
      databases.add(database);
    }
    long bare;
    long bareDescriptors;
    try (BenchDaemon connections = BenchDaemon.startBare(databases)) {
      bare = connections.status("VmRSS");
      bareDescriptors = connections.descriptors();
    }
    try (BenchStorage storage = new BenchStorage();
        BenchDaemon daemon = start(storage, sync, databases)) {
      settle(storage, databases);
      pause(30_000);
      storage.proxy().clearLog();
      Duration before = daemon.cpu();
      pause(60_000);
      double percent = daemon.cpu().minus(before).toNanos() / 60e7;
      long resident = daemon.status("VmRSS");
      return "%d idle databases, a minute: %.2f %% of a core, %d requests, %d MB, %d descriptors, %d threads; one bare SQLite reader each: %d MB, %d descriptors; beyond that %d KB a database"
          .formatted(
              count,
              percent,
              storage.proxy().log().size(),
              resident / 1000,
              daemon.descriptors(),
              daemon.status("Threads"),
              bare / 1000,
              bareDescriptors,
              (resident - bare) / count);
    }
  }
}
