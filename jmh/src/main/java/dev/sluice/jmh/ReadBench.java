package dev.sluice.jmh;

import dev.sluice.vfs.PageReads;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.DoubleUnaryOperator;

/**
 * Reads of a replica whose pages are there, beside the same reads of a local file by SQLite's own
 * VFS. See {@code jmh/bench/reads} for its arguments.
 *
 * <p>Not JMH, so that a large database is made once. The sources take turns in every round, and a
 * ratio is the median of the rounds' ratios: what else the machine does meanwhile slows neighbours
 * alike.
 */
final class ReadBench {
  private static final int ROUNDS = 21;
  private static final int BATCH = 100;
  private static final long ROUND_NANOS = 150_000_000;
  private static final int PROFILE_SECONDS = 10;
  private static final int[] THREADS = {2, 4, 8};

  private final BenchDatabase database;
  private final Path folder;

  private ReadBench(BenchDatabase database, Path folder) {
    this.database = database;
    this.folder = folder;
  }

  /** What is measured; larger is faster. */
  @FunctionalInterface
  private interface Work {
    /** Returns how often it was done until the time was over, or was done once. */
    long run(BenchReader reader, long endNanos) throws SQLException;
  }

  public static void main(String[] arguments) throws Exception {
    for (String megabytes : arguments) {
      try (BenchFolder folder = BenchFolder.make()) {
        BenchDatabase database = BenchDatabase.make(folder.path(), Integer.parseInt(megabytes));
        System.out.println();
        System.out.println(megabytes + " MB");
        new ReadBench(database, folder.path()).run();
      }
    }
  }

  private void run() throws Exception {
    for (BenchSource source : BenchSource.values()) {
      source.prepare(database, folder);
    }
    System.out.printf(
        "%-38s%10s%10s%7s%10s%7s%n", "", "local", "warm", "ratio", "hydrated", "ratio");
    try (Readers one = new Readers(1)) {
      long calls = PageReads.now().calls();
      row("1 thread: autocommit lookups/s", one, ReadBench::autocommit, rate -> rate);
      row("1 thread: lookups/s in a transaction", one, ReadBench::inTransaction, rate -> rate);
      row("1 thread: scan, ms", one, ReadBench::scan, rate -> 1000 / rate);
      System.out.println(
          "calls into Java for a page in all of that: " + (PageReads.now().calls() - calls));
      unchanged();
    }
    for (int threads : THREADS) {
      try (Readers readers = new Readers(threads)) {
        String name = threads + " threads: ";
        row(name + "autocommit lookups/s", readers, ReadBench::autocommit, rate -> rate);
        row(name + "lookups/s in a transaction", readers, ReadBench::inTransaction, rate -> rate);
      }
    }
    try (Readers readers = new Readers(THREADS[THREADS.length - 1])) {
      profile(readers);
    }
    LitestreamReads.print(database, folder);
  }

  private static long autocommit(BenchReader reader, long endNanos) throws SQLException {
    long count = 0;
    for (; System.nanoTime() < endNanos; count++) {
      reader.lookUp();
    }
    return count;
  }

  private static long inTransaction(BenchReader reader, long endNanos) throws SQLException {
    long count = 0;
    for (; System.nanoTime() < endNanos; count += BATCH) {
      reader.lookUpInTransaction(BATCH);
    }
    return count;
  }

  private static long scan(BenchReader reader, long endNanos) throws SQLException {
    long count = 0;
    do {
      reader.scan();
      count++;
    } while (System.nanoTime() < endNanos);
    return count;
  }

  /**
   * Prints one line.
   *
   * @param figure what is shown of how often it was done in a second
   */
  private static void row(String what, Readers readers, Work work, DoubleUnaryOperator figure)
      throws Exception {
    Map<BenchSource, double[]> rates = new EnumMap<>(BenchSource.class);
    for (BenchSource source : BenchSource.values()) {
      rates.put(source, new double[ROUNDS]);
      readers.rate(source, work); // by which the code is compiled
    }
    for (int round = 0; round < ROUNDS; round++) {
      for (BenchSource source : BenchSource.values()) {
        Objects.requireNonNull(rates.get(source))[round] = readers.rate(source, work);
      }
    }
    StringBuilder line = new StringBuilder(String.format("%-38s", what));
    double[] local = Objects.requireNonNull(rates.get(BenchSource.LOCAL));
    for (Map.Entry<BenchSource, double[]> each : rates.entrySet()) {
      double shown = figure.applyAsDouble(median(each.getValue()));
      line.append(String.format(Locale.ROOT, shown < 10_000 ? "%10.1f" : "%10.0f", shown));
      if (each.getKey() != BenchSource.LOCAL) {
        line.append(String.format(Locale.ROOT, "%7.2f", median(ratios(each.getValue(), local))));
      }
    }
    System.out.println(line);
  }

  private static double[] ratios(double[] rates, double[] base) {
    double[] ratios = rates.clone();
    Arrays.setAll(ratios, i -> rates[i] / base[i]);
    return ratios;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** A scan again, in a transaction of its own, when SQLite has every page itself. */
  private void unchanged() throws SQLException, IOException, InterruptedException {
    try (BenchReader reader = new BenchReader(BenchSource.HYDRATED, database, folder, 1)) {
      reader.cacheAll();
      long first = reader.scan();
      PageReads before = PageReads.now();
      if (reader.scan() != first) {
        throw new IllegalStateException("the scans differ");
      }
      PageReads after = PageReads.now();
      System.out.printf(
          "a scan at an unchanged TXID, SQLite's cache warm: %d page reads, %d of the header%n",
          after.calls() + after.copies() - before.calls() - before.copies(),
          after.headers() - before.headers());
    }
  }

  private static void profile(Readers readers) throws Exception {
    try (LockEvents events = LockEvents.record(Readers.THREAD)) {
      long lookups =
          readers.run(
              BenchSource.HYDRATED,
              ReadBench::autocommit,
              System.nanoTime() + PROFILE_SECONDS * 1_000_000_000L);
      System.out.printf(
          "%d threads, %d s, %d lookups: %s%n",
          readers.threads, PROFILE_SECONDS, lookups, events.counts());
    }
  }

  /** Threads with a connection to each source. */
  private final class Readers implements AutoCloseable {
    static final String THREAD = "reader";

    private final int threads;
    private final ExecutorService pool;
    private final Map<BenchSource, List<BenchReader>> readers = new EnumMap<>(BenchSource.class);

    Readers(int threads) throws SQLException, IOException, InterruptedException {
      this.threads = threads;
      pool = Executors.newFixedThreadPool(threads, task -> new Thread(task, THREAD));
      for (BenchSource source : BenchSource.values()) {
        List<BenchReader> own = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
          own.add(new BenchReader(source, database, folder, 7 + i));
        }
        readers.put(source, own);
      }
    }

    /** Returns how often all threads together did it in a second. */
    double rate(BenchSource source, Work work) throws Exception {
      long begun = System.nanoTime();
      long count = run(source, work, begun + ROUND_NANOS);
      return count * 1e9 / (System.nanoTime() - begun);
    }

    long run(BenchSource source, Work work, long endNanos)
        throws InterruptedException, ExecutionException {
      List<Callable<Long>> tasks = new ArrayList<>();
      for (BenchReader reader : Objects.requireNonNull(readers.get(source))) {
        tasks.add(() -> work.run(reader, endNanos));
      }
      long count = 0;
      for (Future<Long> done : pool.invokeAll(tasks)) {
        count += done.get();
      }
      return count;
    }

    @Override
    public void close() throws SQLException {
      pool.shutdown();
      for (List<BenchReader> own : readers.values()) {
        for (BenchReader reader : own) {
          reader.close();
        }
      }
    }
  }
}
