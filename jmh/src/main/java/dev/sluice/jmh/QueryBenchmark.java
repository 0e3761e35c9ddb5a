package dev.sluice.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * SQL through the VFS beside SQLite's own VFS on a local file: the same database, the same pragmas,
 * a connection for each thread ({@code -t}), all pages there before the measurement. SQLite's own
 * cache is ten pages, so that pages are really asked for.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class QueryBenchmark {

  @Param({"local", "warm", "hydrated"})
  public String source = "local";

  @Param("50")
  public int megabytes;

  private @Nullable BenchFolder folder;
  private @Nullable BenchDatabase database;
  private final AtomicInteger readers = new AtomicInteger();

  @Setup(Level.Trial)
  public void make() throws IOException, SQLException {
    BenchFolder made = BenchFolder.make();
    folder = made;
    BenchDatabase filled = BenchDatabase.make(made.path(), megabytes);
    database = filled;
    BenchSource.of(source).prepare(filled, made.path());
  }

  @TearDown(Level.Trial)
  public void delete() throws IOException {
    Objects.requireNonNull(folder).close();
  }

  private BenchReader open() throws IOException, SQLException, InterruptedException {
    Path place = Objects.requireNonNull(folder).path();
    return new BenchReader(
        BenchSource.of(source), Objects.requireNonNull(database), place, readers.incrementAndGet());
  }

  /** One thread's connection. */
  @State(Scope.Thread)
  public static class Reader {
    private @Nullable BenchReader reader;

    @Setup(Level.Trial)
    public void open(QueryBenchmark benchmark)
        throws IOException, SQLException, InterruptedException {
      reader = benchmark.open();
    }

    @TearDown(Level.Trial)
    public void close() throws SQLException {
      get().close();
    }

    BenchReader get() {
      return Objects.requireNonNull(reader);
    }
  }

  /** One row by rowid, a transaction each. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  public int lookupAutocommit(Reader reader) throws SQLException {
    return reader.get().lookUp();
  }

  /** A hundred rows by rowid in one transaction; the figure is per hundred. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  public int lookup100InTransaction(Reader reader) throws SQLException {
    return reader.get().lookUpInTransaction(100);
  }

  /** Every page of the table. */
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  @OutputTimeUnit(TimeUnit.MILLISECONDS)
  public long scan(Reader reader) throws SQLException {
    return reader.get().scan();
  }
}
