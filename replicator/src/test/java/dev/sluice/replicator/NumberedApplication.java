package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * An application whose transactions leave their numbers, and that keeps what its table summed up to
 * after each. Confined to one thread at a time.
 */
final class NumberedApplication implements AutoCloseable {
  private final Connection connection;
  private final Map<Long, String> sums = new HashMap<>();
  private final Random random;
  private long number;

  NumberedApplication(Path database, long seed) throws SQLException {
    random = new Random(seed);
    connection = DriverManager.getConnection("jdbc:sqlite:" + database);
    execute("PRAGMA busy_timeout=5000");
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA synchronous=NORMAL");
    execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, a BLOB)");
    execute("CREATE TABLE IF NOT EXISTS n(number INTEGER)");
    execute("INSERT INTO n VALUES(0)");
    sums.put(0L, sum(connection));
  }

  void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Fails if somebody still holds the WAL. */
  void requireTruncated() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("PRAGMA wal_checkpoint(TRUNCATE)")) {
      assertEquals(0, row.getInt(1), "somebody holds the WAL");
    }
  }

  /** Commits one transaction, and does nothing else: a TXID at most is cut of it. */
  void commit() throws SQLException {
    number++;
    execute("BEGIN IMMEDIATE");
    execute("UPDATE n SET number = " + number);
    int rows = 1 + random.nextInt(20);
    for (int i = 0; i < rows; i++) {
      long id = random.nextInt(400);
      int bytes = random.nextInt(3000);
      execute(
          random.nextInt(3) == 0
              ? "DELETE FROM t WHERE id = " + id
              : "INSERT OR REPLACE INTO t VALUES(" + id + ", randomblob(" + bytes + "))");
    }
    String sum = sum(connection);
    execute("COMMIT");
    sums.put(number, sum);
  }

  /** Commits, and at times tidies up, which is a transaction more or empties the WAL. */
  void commitAnything() throws SQLException {
    commit();
    if (random.nextInt(200) == 0) {
      execute("VACUUM");
    }
    if (random.nextInt(100) == 0) {
      execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
  }

  /** Returns the number of the last transaction. */
  long number() {
    return number;
  }

  /**
   * Fails unless a copy is what a transaction left.
   *
   * @return the number of the transaction
   */
  long requireCommitted(Path copy, String what) throws SQLException {
    try (Connection reader = DriverManager.getConnection("jdbc:sqlite:" + copy)) {
      assertEquals("ok", value(reader, "PRAGMA integrity_check"), what);
      long found = Long.parseLong(value(reader, "SELECT number FROM n"));
      assertEquals(sums.get(found), sum(reader), what + ", number " + found);
      return found;
    }
  }

  private static String sum(Connection connection) throws SQLException {
    return value(
        connection,
        "SELECT count(*) || ' ' || total(length(a)) || ' ' || total(id * length(a)) FROM t");
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      assertTrue(rows.next());
      return rows.getString(1);
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
