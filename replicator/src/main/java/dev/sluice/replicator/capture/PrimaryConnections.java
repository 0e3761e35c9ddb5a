package dev.sluice.replicator.capture;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.sqlite.JDBC;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * The SQLite connections that hold the primary's WAL: two readers, hand over hand, one that
 * checkpoints outside of any transaction, and one that keeps writers out for a moment.
 *
 * <p>A standing reader would block resets for ever, or, begun on a WAL that is checkpointed
 * completely, not hold it at all. Here the new reader begins before the old one ends, so that there
 * is always one: no checkpoint goes beyond its mark, and no generation that holds frames behind the
 * mark is reset. None of these connections writes. Confined to one thread at a time.
 */
final class PrimaryConnections implements AutoCloseable {
  private final Path database;
  private final List<Connection> open = new ArrayList<>();
  private final Statement[] readers = new Statement[2];
  private final Statement checkpoints;
  private final Statement barrier;
  private int current;

  private PrimaryConnections(Path database) throws SQLException, IOException {
    this.database = database;
    try {
      readers[0] = open();
      readers[1] = open();
      checkpoints = open();
      barrier = open();
      begin(readers[0]);
    } catch (SQLException e) {
      close();
      throw e;
    }
  }

  /**
   * Opens the database, makes it a WAL database if it is none, and holds it from now on.
   *
   * @throws IOException if SQLite refuses: with its reason
   */
  static PrimaryConnections open(Path database) throws IOException {
    try {
      return new PrimaryConnections(database);
    } catch (SQLException e) {
      throw new IOException("open " + database + ": " + e.getMessage(), e);
    }
  }

  private Statement open() throws SQLException {
    Properties none = new Properties();
    none.setProperty("busy_timeout", "0");
    Connection connection = new JDBC().connect(JDBC.PREFIX + database, none);
    open.add(connection);
    Statement statement = connection.createStatement();
    if (open.size() == 1) {
      requireWal(statement);
    }
    return statement;
  }

  private void requireWal(Statement statement) throws SQLException {
    statement.execute("PRAGMA busy_timeout=5000");
    try (ResultSet mode = statement.executeQuery("PRAGMA journal_mode=WAL")) {
      if (!mode.next() || !mode.getString(1).equals("wal")) {
        throw new SQLException("it cannot be a WAL database");
      }
    }
    statement.execute("PRAGMA busy_timeout=0");
  }

  private static void begin(Statement reader) throws SQLException {
    reader.execute("BEGIN");
    // Only a query that reads takes the lock.
    try (ResultSet rows = reader.executeQuery("SELECT 1 FROM sqlite_schema LIMIT 1")) {
      rows.next();
    }
  }

  /** Begins a reader at the WAL's end as it is now, and then ends the one before. */
  void handOver() throws IOException {
    try {
      int next = 1 - current;
      begin(readers[next]);
      readers[current].execute("ROLLBACK");
      current = next;
    } catch (SQLException e) {
      throw failure("hand over", e);
    }
  }

  /** Asks how far the WAL goes, and changes nothing. */
  Checkpoint look() throws IOException {
    return checkpoint("NOOP");
  }

  /** Copies what nobody reads any more into the database; waits for nobody. */
  Checkpoint passive() throws IOException {
    return checkpoint("PASSIVE");
  }

  private Checkpoint checkpoint(String mode) throws IOException {
    try (ResultSet answer = checkpoints.executeQuery("PRAGMA wal_checkpoint(" + mode + ")")) {
      answer.next();
      return new Checkpoint(
          answer.getInt(1) != 0, Math.max(0, answer.getLong(2)), Math.max(0, answer.getLong(3)));
    } catch (SQLException e) {
      throw failure("checkpoint " + mode, e);
    }
  }

  /**
   * Keeps writers out until {@link #letWritersIn}; false if one is at work now. SQLite's own wait
   * for a busy database would starve beside a writer that never rests.
   */
  boolean keepWritersOut() throws IOException {
    try {
      barrier.execute("BEGIN IMMEDIATE");
      return true;
    } catch (SQLiteException e) {
      if (e.getResultCode() == SQLiteErrorCode.SQLITE_BUSY
          || e.getResultCode() == SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT) {
        return false;
      }
      throw failure("keep writers out", e);
    } catch (SQLException e) {
      throw failure("keep writers out", e);
    }
  }

  void letWritersIn() throws IOException {
    try {
      barrier.execute("ROLLBACK");
    } catch (SQLException e) {
      throw failure("let writers in", e);
    }
  }

  private IOException failure(String doing, SQLException e) {
    return new IOException(doing + " " + database + ": " + e.getMessage(), e);
  }

  /** Lets go of the WAL. The last connection of all to a database deletes its WAL. */
  @Override
  public void close() throws IOException {
    IOException first = null;
    for (Connection connection : open) {
      try {
        connection.close();
      } catch (SQLException e) {
        first = first == null ? failure("close", e) : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
