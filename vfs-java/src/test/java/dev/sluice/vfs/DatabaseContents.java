package dev.sluice.vfs;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a database shows to SQL: schema, size, integrity and every row of every table. Two are equal
 * if no query can tell them apart.
 *
 * @param pageCount pages
 * @param integrity what integrity_check says
 * @param hash a digest of the schema and of all rows in their order
 */
record DatabaseContents(long pageCount, String integrity, String hash) {

  /** Reads the database that {@code connection} is open on. */
  static DatabaseContents of(Connection connection) throws SQLException {
    Digest digest = new Digest();
    List<String> tables = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet schema =
            statement.executeQuery(
                "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")) {
      while (schema.next()) {
        if (schema.getString(1).equals("table")) {
          tables.add(schema.getString(2));
        }
        digest.row(schema, 4);
      }
    }
    for (String table : tables) {
      digest.text(table);
      try (Statement statement = connection.createStatement();
          ResultSet rows =
              statement.executeQuery("SELECT * FROM \"" + table.replace("\"", "\"\"") + "\"")) {
        int columnCount = rows.getMetaData().getColumnCount();
        while (rows.next()) {
          digest.row(rows, columnCount);
        }
      }
    }
    return new DatabaseContents(
        Long.parseLong(value(connection, "PRAGMA page_count")),
        value(connection, "PRAGMA integrity_check"),
        digest.hex());
  }

  /** Reads a database file with SQLite's own VFS. */
  static DatabaseContents of(Path file) throws SQLException {
    try (Connection connection =
        DriverManager.getConnection("jdbc:sqlite:file:" + file + "?immutable=1")) {
      return of(connection);
    }
  }

  /** Returns the first column of the first row. */
  static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      if (!rows.next()) {
        throw new SQLException("no row: " + sql);
      }
      String value = rows.getString(1);
      return value == null ? "NULL" : value;
    }
  }

  private static final class Digest {
    private final java.security.MessageDigest sha;

    Digest() {
      try {
        sha = java.security.MessageDigest.getInstance("SHA-256");
      } catch (java.security.NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }

    void text(String text) {
      sha.update(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      sha.update((byte) 0);
    }

    void row(ResultSet rows, int columnCount) throws SQLException {
      for (int column = 1; column <= columnCount; column++) {
        Object value = rows.getObject(column);
        text(value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value));
      }
    }

    String hex() {
      return java.util.HexFormat.of().formatHex(sha.digest());
    }
  }
}
