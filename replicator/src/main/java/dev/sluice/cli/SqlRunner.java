package dev.sluice.cli;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.sqlite.SQLiteErrorCode;

/**
 * Runs statements one after another and writes their rows as SQLite steps to them: no result is
 * ever held whole. Confined to one thread at a time.
 */
final class SqlRunner {
  private static final int SHOWN_SQL_MAX = 60;

  private final Connection connection;
  private final RowFormat format;
  private final Runnable onFirstRow;
  private boolean hasRow;

  /**
   * @param connection stays the caller's
   * @param onFirstRow called once, when the first row of all has been read and before it is written
   */
  SqlRunner(Connection connection, RowFormat format, Runnable onFirstRow) {
    this.connection = connection;
    this.format = format;
    this.onFirstRow = onFirstRow;
  }

  /**
   * Runs every statement of every text. Stops at the first that fails.
   *
   * @throws Failure if SQLite fails a statement: it names the statement
   * @throws IOException if the rows cannot be written
   */
  void run(List<String> texts) throws Failure, IOException {
    for (String text : texts) {
      for (String statement : StatementSplitter.split(text)) {
        try {
          runOne(statement);
        } catch (SQLException e) {
          throw new Failure("run \"" + shown(statement) + "\"", reason(e), e);
        }
      }
    }
  }

  private void runOne(String sql) throws SQLException, IOException {
    // Prepared, because sqlite-jdbc's plain statements give some texts a meaning of their own
    // ("backup to ...").
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      if (!statement.execute()) {
        return;
      }
      try (ResultSet rows = statement.getResultSet()) {
        format.begin(rows);
        boolean isWhole = false;
        try {
          while (rows.next()) {
            firstRow();
            format.row(rows);
          }
          format.end();
          isWhole = true;
        } finally {
          if (!isWhole) {
            format.broken();
          }
        }
      }
    }
  }

  private void firstRow() {
    if (!hasRow) {
      hasRow = true;
      onFirstRow.run();
    }
  }

  /**
   * SQLite's text for a failed read is "disk I/O error"; what the storage said is kept for {@code
   * litestream_error}.
   */
  private String reason(SQLException failure) {
    String why = Failure.why(failure);
    if (!isReadError(failure)) {
      return why;
    }
    try (PreparedStatement last = connection.prepareStatement("PRAGMA litestream_error");
        ResultSet rows = last.executeQuery()) {
      String stored = rows.next() ? rows.getString(1) : null;
      return stored == null || stored.isBlank() ? why : stored;
    } catch (SQLException unknown) {
      failure.addSuppressed(unknown);
      return why;
    }
  }

  private static boolean isReadError(SQLException failure) {
    int primaryCode = failure.getErrorCode() & 0xff;
    return primaryCode == SQLiteErrorCode.SQLITE_IOERR.code
        || primaryCode == SQLiteErrorCode.SQLITE_CANTOPEN.code;
  }

  private static String shown(String sql) {
    String line = sql.strip().replaceAll("\\s+", " ");
    return line.length() <= SHOWN_SQL_MAX ? line : line.substring(0, SHOWN_SQL_MAX) + "...";
  }
}
