package dev.sluice.replicator.capture;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import org.sqlite.JDBC;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.SQLiteOpenMode;

/**
 * The SQLite connections that hold the primary's WAL: one reads, the other is free to ask, to
 * checkpoint, to keep writers out, and to read on when the first ends: hand over hand.
 *
 * <p>A standing reader would block resets for ever, or, begun on a WAL that is checkpointed
 * completely, not hold it at all. Here the new reader begins before the old one ends, so that there
 * is always one: no checkpoint goes beyond its mark, and no generation that holds frames behind the
 * mark is reset. None of these connections writes. The second one is opened when it is needed: an
 * idle database has one. (SQLite keeps the descriptor of a connection that is closed while another
 * has locks, so closing the second one would not spare it.) Confined to one thread at a time.
 */
final class PrimaryConnections implements AutoCloseable {
  private static final int FIRST_WAIT_MILLIS = 500;
  private static final int READER_TRIES = 100;

  private final Path database;
  private Statement reader;
  private Optional<Statement> free = Optional.empty();

  private PrimaryConnections(Path database, Statement reader) {
    this.database = database;
    this.reader = reader;
  }

  /**
   * Opens the database, makes it a WAL database if it is none, and holds it from now on.
   *
   * @throws CaptureException if that cannot be done
   */
  static PrimaryConnections open(Path database) throws CaptureException {
    if (database.toString().contains("?")) { // what follows it would be taken for parameters
      throw new CaptureException.Denied(database, "a path with a question mark cannot be opened");
    }
    Statement first = statement(database);
    try {
      requireWal(database, first);
      begin(first);
      return new PrimaryConnections(database, first);
    } catch (SQLException e) {
      closeQuietly(first);
      throw failure(database, "begin to read it", e);
    }
  }

  /** Opens a database that is there; one that is not is not made. */
  private static Statement statement(Path database) throws CaptureException {
    SQLiteConfig config = new SQLiteConfig();
    config.resetOpenMode(SQLiteOpenMode.CREATE);
    Properties properties = config.toProperties();
    properties.setProperty("busy_timeout", "0");
    try {
      Connection connection = new JDBC().connect(JDBC.PREFIX + database, properties);
      return connection.createStatement();
    } catch (SQLException e) {
      throw failure(database, "open it", e);
    }
  }

  private static void requireWal(Path database, Statement statement) throws SQLException {
    if (mode(statement, "PRAGMA journal_mode").equals("wal")) {
      return;
    }
    statement.execute("PRAGMA busy_timeout=" + FIRST_WAIT_MILLIS);
    String mode = mode(statement, "PRAGMA journal_mode=WAL");
    if (!mode.equals("wal")) {
      throw new SQLException(database + " stays in journal_mode=" + mode + ", it must be WAL");
    }
    statement.execute("PRAGMA busy_timeout=0");
  }

  private static String mode(Statement statement, String pragma) throws SQLException {
    try (ResultSet mode = statement.executeQuery(pragma)) {
      return mode.next() ? mode.getString(1).toLowerCase(Locale.ROOT) : "";
    }
  }

  private static void begin(Statement reader) throws SQLException {
    reader.execute("BEGIN");
    // Only a query that reads takes the lock.
    try (ResultSet rows = reader.executeQuery("SELECT 1 FROM sqlite_schema LIMIT 1")) {
      rows.next();
    }
  }

  private Statement free() throws CaptureException {
    if (free.isEmpty()) {
      free = Optional.of(statement(database));
    }
    return free.get();
  }

  /** Returns whether more than the reader is open. */
  boolean isWide() {
    return free.isPresent();
  }

  /**
   * Begins a reader at the WAL's end as it is now, and ends it: the mark that it has moved there
   * stays, and one that begins after it finds it.
   */
  void mark() throws CaptureException {
    Statement next = free();
    try {
      begin(next);
      next.execute("ROLLBACK");
    } catch (SQLException e) {
      rollBackQuietly(next);
      throw failure(database, "mark how far it is captured", e);
    }
  }

  /** Begins a reader at the WAL's end as it is now, and then ends the one before. */
  void handOver() throws CaptureException {
    Statement next = free();
    try {
      begin(next);
    } catch (SQLException e) {
      rollBackQuietly(next);
      throw failure(database, "hand over", e);
    }
    try {
      reader.execute("ROLLBACK");
    } catch (SQLException e) {
      throw new CaptureException.Unreadable(database, "a reader does not end", e);
    } finally {
      free = Optional.of(reader);
      reader = next;
    }
  }

  /** Asks how far the WAL goes, and changes nothing. */
  Checkpoint look() throws CaptureException {
    return checkpoint("NOOP");
  }

  /** Copies what nobody reads any more into the database; waits for nobody. */
  Checkpoint passive() throws CaptureException {
    return checkpoint("PASSIVE");
  }

  private Checkpoint checkpoint(String mode) throws CaptureException {
    try (ResultSet answer = free().executeQuery("PRAGMA wal_checkpoint(" + mode + ")")) {
      answer.next();
      return new Checkpoint(
          answer.getInt(1) != 0, Math.max(0, answer.getLong(2)), Math.max(0, answer.getLong(3)));
    } catch (SQLException e) {
      throw failure(database, "checkpoint it", e);
    }
  }

  /**
   * Keeps writers out until {@link #letWritersIn}; false if one is at work now. SQLite's own wait
   * for a busy database would starve beside a writer that never rests. Who keeps writers out holds
   * the WAL as well: the reader ends, and its connection is the free one.
   */
  boolean keepWritersOut() throws CaptureException {
    Statement next = free();
    try {
      next.execute("BEGIN IMMEDIATE");
    } catch (SQLException e) {
      if (isBusy(e)) {
        return false;
      }
      throw failure(database, "keep writers out", e);
    }
    try {
      reader.execute("ROLLBACK");
    } catch (SQLException e) {
      throw new CaptureException.Unreadable(database, "a reader does not end", e);
    } finally {
      free = Optional.of(reader);
      reader = next;
    }
    return true;
  }

  /**
   * Begins a reader where no writer was let in, and then lets them.
   *
   * @throws CaptureException.Unreadable if no reader can begin: the connections are to be closed
   */
  void letWritersIn() throws CaptureException {
    for (int i = 0; ; i++) {
      try {
        handOver();
        return;
      } catch (CaptureException.Busy e) {
        if (i == READER_TRIES) {
          throw new CaptureException.Unreadable(database, "no reader can begin", e);
        }
      }
    }
  }

  /** Returns the failure that somebody keeps SQLite from answering. */
  CaptureException.Busy busy(String doing) {
    return new CaptureException.Busy(database, doing, new SQLException("no answer"));
  }

  private static boolean isBusy(SQLException e) {
    return (code(e) & 0xFF) == SQLiteErrorCode.SQLITE_BUSY.code
        || (code(e) & 0xFF) == SQLiteErrorCode.SQLITE_LOCKED.code;
  }

  private static int code(SQLException e) {
    return e instanceof SQLiteException known ? known.getResultCode().code : e.getErrorCode();
  }

  private static CaptureException failure(Path database, String doing, SQLException e) {
    String why = String.valueOf(e.getMessage());
    if (isBusy(e)) {
      return new CaptureException.Busy(database, doing, e);
    }
    int code = code(e) & 0xFF;
    if (code == SQLiteErrorCode.SQLITE_NOTADB.code) {
      return new CaptureException.NotADatabase(database, why);
    }
    if (code == SQLiteErrorCode.SQLITE_CANTOPEN.code && !Files.exists(database)) {
      return new CaptureException.Missing(database, "it is not there");
    }
    boolean isDenied =
        code == SQLiteErrorCode.SQLITE_CANTOPEN.code
            || code == SQLiteErrorCode.SQLITE_READONLY.code
            || code == SQLiteErrorCode.SQLITE_PERM.code
            || code == SQLiteErrorCode.SQLITE_AUTH.code;
    return isDenied
        ? new CaptureException.Denied(database, why, e)
        : new CaptureException.Unreadable(database, why, e);
  }

  private static void rollBackQuietly(Statement statement) {
    try {
      if (!statement.getConnection().isClosed()) {
        statement.execute("ROLLBACK");
      }
    } catch (SQLException e) {
      // There was no transaction.
    }
  }

  private static void closeQuietly(Statement statement) {
    try {
      statement.getConnection().close();
    } catch (SQLException e) {
      // Why it is closed says more.
    }
  }

  /** Lets go of the WAL. The last connection of all to a database deletes its WAL. */
  @Override
  public void close() throws CaptureException {
    Optional<SQLException> first = Optional.empty();
    for (Statement statement :
        free.isPresent() ? new Statement[] {free.get(), reader} : new Statement[] {reader}) {
      try {
        statement.getConnection().close();
      } catch (SQLException e) {
        first = first.isEmpty() ? Optional.of(e) : first;
      }
    }
    free = Optional.empty();
    if (first.isPresent()) {
      throw failure(database, "close it", first.get());
    }
  }
}
