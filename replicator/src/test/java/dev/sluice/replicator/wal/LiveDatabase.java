package dev.sluice.replicator.wal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.sqlite.SQLiteConnection;

/**
 * A database in WAL mode as an application has it open, checkpointed only when a test says so.
 * Confined to one thread at a time.
 */
public final class LiveDatabase implements AutoCloseable {
  private final Path path;
  private final Connection connection;
  private final FileChannel wal;

  private LiveDatabase(Path path, Connection connection, FileChannel wal) {
    this.path = path;
    this.connection = connection;
    this.wal = wal;
  }

  /** Makes one with a table {@code t (id, value)} that is in the WAL. */
  public static LiveDatabase create(Path path, int pageSize) throws SQLException, IOException {
    return create(path, pageSize, "none");
  }

  /**
   * As the other.
   *
   * @param autoVacuum {@code none}, {@code full} or {@code incremental}
   */
  public static LiveDatabase create(Path path, int pageSize, String autoVacuum)
      throws SQLException, IOException {
    Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA page_size = " + pageSize);
      statement.execute("PRAGMA auto_vacuum = " + autoVacuum);
      statement.execute("PRAGMA journal_mode = wal");
      statement.execute("PRAGMA wal_autocheckpoint = 0");
      statement.execute("PRAGMA synchronous = off");
      statement.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)");
    }
    return new LiveDatabase(
        path, connection, FileChannel.open(Path.of(path + "-wal"), StandardOpenOption.READ));
  }

  public void execute(String... statements) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  /** Inserts rows of random bytes in one transaction. */
  public void insert(int rows, int bytes) throws SQLException {
    execute(
        "INSERT INTO t (value) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            + " LIMIT "
            + rows
            + ") SELECT randomblob("
            + bytes
            + ") FROM n");
  }

  /** Returns the last frame of a commit, as SQLite says. */
  public long mxFrame() throws SQLException {
    return checkpoint("NOOP");
  }

  /** Checkpoints and returns the last frame of a commit. */
  public long checkpoint(String mode) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("PRAGMA wal_checkpoint(" + mode + ")")) {
      return row.getLong(2);
    }
  }

  /** Returns all pages as the connection sees them. */
  public byte[] image() throws SQLException {
    return connection.unwrap(SQLiteConnection.class).serialize("main");
  }

  public Path path() {
    return path;
  }

  public Path walPath() {
    return Path.of(path + "-wal");
  }

  public FileChannel walChannel() {
    return wal;
  }

  public WalReader wal() {
    return new WalReader(wal, walPath().toString());
  }

  @Override
  public void close() throws SQLException, IOException {
    wal.close();
    connection.close();
  }
}
