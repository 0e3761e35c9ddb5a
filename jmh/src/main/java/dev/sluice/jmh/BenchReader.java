package dev.sluice.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

/** A connection to a {@link BenchDatabase} and what it asks. Confined to one thread at a time. */
final class BenchReader implements AutoCloseable {
  private final Connection connection;
  private final PreparedStatement lookup;
  private final Random random;
  private final int rowCount;

  /** Opens one connection of a source, with all pages there. */
  BenchReader(BenchSource source, BenchDatabase database, Path folder, long seed)
      throws IOException, SQLException, InterruptedException {
    connection = source.open(database, folder);
    lookup = connection.prepareStatement("SELECT length(word) FROM t WHERE id = ?");
    random = new Random(seed);
    rowCount = database.rowCount();
  }

  /** Reads a row by its rowid. */
  int lookUp() throws SQLException {
    lookup.setInt(1, 1 + random.nextInt(rowCount));
    try (ResultSet row = lookup.executeQuery()) {
      row.next();
      return row.getInt(1);
    }
  }

  /** Reads so many rows in one transaction; returns their lengths together. */
  int lookUpInTransaction(int count) throws SQLException {
    connection.setAutoCommit(false);
    int sum = 0;
    for (int i = 0; i < count; i++) {
      sum += lookUp();
    }
    connection.commit();
    connection.setAutoCommit(true);
    return sum;
  }

  /** Reads every page of the table. */
  long scan() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT sum(length(word)) FROM t")) {
      rows.next();
      return rows.getLong(1);
    }
  }

  /** Gives SQLite's own cache room for everything. */
  void cacheAll() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA cache_size=-4000000");
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
