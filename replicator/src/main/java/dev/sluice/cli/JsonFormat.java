package dev.sluice.cli;

import java.io.IOException;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Rows as JSON: an array of objects for each statement that has a result, one row a line. A
 * statement that fails leaves its array open, so that nobody takes it for the whole answer.
 *
 * <pre>
 *   INTEGER  number; a string beyond 2^53        TEXT  string
 *   REAL     number as SQLite prints it;         BLOB  {"base64":"..."}
 *            9e999 and -9e999 are the infinities NULL  null
 * </pre>
 */
final class JsonFormat implements RowFormat {
  private final Output out;
  private List<String> keys = List.of();
  private boolean isFirst = true;

  JsonFormat(Output out) {
    this.out = out;
  }

  @Override
  public void begin(ResultSet rows) throws SQLException, IOException {
    keys = keys(rows.getMetaData());
    isFirst = true;
    out.print("[");
  }

  @Override
  public void row(ResultSet rows) throws SQLException, IOException {
    StringBuilder line = new StringBuilder(isFirst ? "{" : ",\n{");
    isFirst = false;
    for (int column = 1; column <= keys.size(); column++) {
      line.append(column == 1 ? "" : ",")
          .append(keys.get(column - 1))
          .append(':')
          .append(value(rows, column));
    }
    out.print(line.append('}').toString());
  }

  @Override
  public void end() throws IOException {
    out.print("]\n");
  }

  @Override
  public void broken() throws IOException {
    out.print("\n");
  }

  /**
   * Returns the column names, quoted; a name that was there before gets {@code :1}, {@code :2}, as
   * SQLite names them.
   */
  private static List<String> keys(ResultSetMetaData columns) throws SQLException {
    Set<String> taken = new HashSet<>();
    List<String> keys = new ArrayList<>();
    for (int column = 1; column <= columns.getColumnCount(); column++) {
      String name = columns.getColumnLabel(column);
      String unique = name;
      for (int copy = 1; !taken.add(unique); copy++) {
        unique = name + ":" + copy;
      }
      keys.add(Json.quote(unique));
    }
    return keys;
  }

  private static String value(ResultSet rows, int column) throws SQLException {
    Object value = rows.getObject(column);
    if (value == null) {
      return "null";
    }
    if (value instanceof byte[] blob) {
      return "{\"base64\":\"" + Base64.getEncoder().encodeToString(blob) + "\"}";
    }
    if (value instanceof Double real) {
      return real.isInfinite() ? (real > 0 ? "9e999" : "-9e999") : rows.getString(column);
    }
    return value instanceof Number number
        ? Json.integer(number.longValue())
        : Json.quote(value.toString());
  }
}
