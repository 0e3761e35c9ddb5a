package dev.sluice.cli;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** An application that commits a row a hundred times, and ends at once with exit code 7. */
final class CommittingChild {
  static final int COMMITS = 100;
  static final int EXIT_CODE = 7;

  private CommittingChild() {}

  public static void main(String[] args) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + args[0]);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout=5000");
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE n(number INTEGER PRIMARY KEY, text TEXT)");
      for (int number = 1; number <= COMMITS; number++) {
        statement.execute("INSERT INTO n VALUES(" + number + ", hex(randomblob(100)))");
      }
      Runtime.getRuntime().halt(EXIT_CODE); // with the connection open
    }
  }
}
