package dev.sluice.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Rows as the sqlite3 shell's list mode writes them: values joined by {@code |}, NULL empty, a BLOB
 * as its raw bytes.
 */
final class ListFormat implements RowFormat {
  private final Output out;
  private int columnCount;

  ListFormat(Output out) {
    this.out = out;
  }

  @Override
  public void begin(ResultSet rows) throws SQLException {
    columnCount = rows.getMetaData().getColumnCount();
  }

  @Override
  public void row(ResultSet rows) throws SQLException, IOException {
    for (int column = 1; column <= columnCount; column++) {
      if (column > 1) {
        out.write('|');
      }
      out.write(bytes(rows, column));
    }
    out.write('\n');
  }

  @Override
  public void end() {}

  private static byte[] bytes(ResultSet rows, int column) throws SQLException {
    Object value = rows.getObject(column);
    if (value == null) {
      return new byte[0];
    }
    if (value instanceof byte[] blob) {
      return blob;
    }
    if (value instanceof String text) {
      // Text that is not UTF-8 would come out changed: its bytes are there as they are.
      return text.indexOf('\ufffd') < 0
          ? text.getBytes(StandardCharsets.UTF_8)
          : rows.getBytes(column);
    }
    return rows.getString(column).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void broken() {
    // Every row ends its line.
  }
}
