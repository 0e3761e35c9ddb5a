package dev.sluice.replicator.capture;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A program beside ours that tells whether somebody has a lock on a database: SQLite leaves WAL
 * mode only when nobody has. Answers each line of its input with one line.
 */
final class LockProbe {
  private LockProbe() {}

  public static void main(String[] args) throws IOException, SQLException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(isLocked(Path.of(line)) ? "locked" : "free");
    }
  }

  private static boolean isLocked(Path database) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout=0");
      try (ResultSet mode = statement.executeQuery("PRAGMA journal_mode=DELETE")) {
        return !mode.next() || mode.getString(1).equals("wal");
      } catch (SQLException e) {
        return true;
      }
    }
  }
}
