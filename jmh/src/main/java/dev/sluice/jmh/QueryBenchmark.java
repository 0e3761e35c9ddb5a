package dev.sluice.jmh;

import dev.sluice.vfs.Sluice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
 * one connection, all pages demanded once before the measurement. SQLite's own cache is ten pages,
 * so that pages are really asked for.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class QueryBenchmark {

  @Param({"local", "sluice"})
  public String vfs = "local";

  @Param("50")
  public int megabytes;

  private Path folder = Path.of("");
  private int rowCount;
  private @Nullable Connection connection;
  private @Nullable PreparedStatement lookup;
  private final Random random = new Random(7);

  @Setup(Level.Trial)
  public void open() throws IOException, SQLException {
    folder = Files.createTempDirectory("sluice-bench");
    BenchDatabase database = BenchDatabase.make(folder, megabytes);
    rowCount = database.rowCount();
    Sluice.register();
    Connection opened = DriverManager.getConnection(url(database));
    connection = opened;
    try (Statement statement = opened.createStatement()) {
      statement.execute("PRAGMA cache_size=10");
    }
    lookup = opened.prepareStatement("SELECT length(word) FROM t WHERE id = ?");
    scan();
  }

  private String url(BenchDatabase database) {
    return switch (vfs) {
      case "local" -> "jdbc:sqlite:file:" + database.file() + "?mode=ro";
      case "sluice" ->
          "jdbc:sqlite:file:bench?vfs=litestream&mode=ro&page_cache_size=256MB&replica_url=file:"
              + database.replica();
      default -> throw new IllegalArgumentException("vfs=" + vfs);
    };
  }

  @TearDown(Level.Trial)
  public void close() throws IOException, SQLException {
    connection().close();
    try (Stream<Path> paths = Files.walk(folder)) {
      List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.delete(path);
      }
    }
  }

  /** One row by rowid, a transaction each. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  public int lookupAutocommit() throws SQLException {
    return lookUp();
  }

  /** A hundred rows by rowid in one transaction; the figure is per hundred. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  public int lookup100InTransaction() throws SQLException {
    Connection opened = connection();
    opened.setAutoCommit(false);
    int sum = 0;
    for (int i = 0; i < 100; i++) {
      sum += lookUp();
    }
    opened.commit();
    opened.setAutoCommit(true);
    return sum;
  }

  /** Every page of the table. */
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  @OutputTimeUnit(TimeUnit.MILLISECONDS)
  public long scan() throws SQLException {
    try (Statement statement = connection().createStatement();
        ResultSet rows = statement.executeQuery("SELECT sum(length(word)) FROM t")) {
      rows.next();
      return rows.getLong(1);
    }
  }

  private Connection connection() {
    return Objects.requireNonNull(connection);
  }

  private int lookUp() throws SQLException {
    PreparedStatement byId = Objects.requireNonNull(lookup);
    byId.setInt(1, 1 + random.nextInt(rowCount));
    try (ResultSet row = byId.executeQuery()) {
      row.next();
      return row.getInt(1);
    }
  }
}
