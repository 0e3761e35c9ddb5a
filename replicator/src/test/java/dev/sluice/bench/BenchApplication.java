package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What an application does: one row of 100 bytes a transaction, WAL mode, synchronous=NORMAL, the
 * rest as it is by default. Confined to one thread at a time.
 */
final class BenchApplication implements AutoCloseable {
  private static final int ROW_BYTES = 100;

  /** In {@code user_version}, four bytes of page 1 from here on, each commit leaves its number. */
  static final int AT_NUMBER = 60;

  private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Path database;
  private final Connection connection;
  private final Statement statement;
  private final PreparedStatement insert;

  BenchApplication(Path database) throws SQLException {
    this.database = database;
    this.connection = DriverManager.getConnection("jdbc:sqlite:" + database);
    this.statement = connection.createStatement();
    statement.execute("PRAGMA busy_timeout=10000");
    statement.execute("PRAGMA journal_mode=WAL");
    statement.execute("PRAGMA synchronous=NORMAL");
    statement.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, a BLOB)");
    this.insert = connection.prepareStatement("INSERT INTO t(a) VALUES(randomblob(?))");
    insert.setInt(1, ROW_BYTES);
  }

  /** Fills the database to about so many bytes. */
  void fill(long bytes) throws SQLException {
    int rowBytes = 3500;
    long rows = bytes / 4096;
    statement.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
            + rows
            + ") INSERT INTO t(a) SELECT randomblob("
            + rowBytes
            + ") FROM n");
    statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  void commit() throws SQLException {
    insert.executeUpdate();
  }

  /** Commits a row, and a number in page 1. */
  void commit(int number) throws SQLException {
    statement.execute("BEGIN IMMEDIATE");
    insert.executeUpdate();
    statement.execute("PRAGMA user_version=" + number);
    statement.execute("COMMIT");
  }

  /**
   * How it went.
   *
   * @param slow how many commits took more than 50 ms: what keeping writers out may cost one
   * @param walBytesMax the largest WAL that was seen
   */
  record Run(
      double commitsPerSecond,
      long p50Micros,
      long p99Micros,
      long maxMicros,
      long slow,
      long walBytesMax) {

    @Override
    public String toString() {
      return "%.0f commits/s, p50 %d us, p99 %d us, max %d us, %d above 50 ms, WAL %.1f MB"
          .formatted(commitsPerSecond, p50Micros, p99Micros, maxMicros, slow, walBytesMax / 1e6);
    }
  }

  /** Commits for a time; at a rate, or as fast as it goes with a rate of 0. */
  Run run(int seconds, int perSecond) throws SQLException, IOException {
    long[] nanos = new long[1 << 20];
    int count = 0;
    long wal = 0;
    long begun = System.nanoTime();
    long end = begun + TimeUnit.SECONDS.toNanos(seconds);
    for (long now = begun; now < end; now = System.nanoTime()) {
      if (perSecond > 0) {
        long due = begun + (long) (count * 1e9 / perSecond);
        LockSupport.parkNanos(due - now);
        now = System.nanoTime();
      }
      commit();
      nanos[count++ % nanos.length] = System.nanoTime() - now;
      if (count % 500 == 0) {
        wal = Math.max(wal, Files.size(Path.of(database + "-wal")));
      }
    }
    double rate = count * 1e9 / (System.nanoTime() - begun);
    long[] sorted = Arrays.copyOf(nanos, Math.min(count, nanos.length));
    Arrays.sort(sorted);
    long slow = Arrays.stream(sorted).filter(one -> one > SLOW_NANOS).count();
    return new Run(rate, micros(sorted, 0.5), micros(sorted, 0.99), micros(sorted, 1), slow, wal);
  }

  private static long micros(long[] sorted, double quantile) {
    int at = (int) Math.min(sorted.length - 1, quantile * sorted.length);
    return TimeUnit.NANOSECONDS.toMicros(sorted[at]);
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
