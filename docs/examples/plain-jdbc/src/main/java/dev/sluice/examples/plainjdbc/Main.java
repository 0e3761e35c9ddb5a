package dev.sluice.examples.plainjdbc;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Prints the revenue of a river lock as it is now and as it was at TXID 2. The one argument is the
 * replica: {@code file:docs/example}.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws SQLException {
    // "lock.db" is a label for messages. The replica is looked at for news at least every 500 ms.
    String url =
        "jdbc:sqlite:file:lock.db?vfs=litestream&mode=ro&poll_interval=500ms&replica_url="
            + args[0];
    try (Connection now = DriverManager.getConnection(url);
        Connection then = DriverManager.getConnection(url + "&txid=2")) {
      print("now", now);
      print("then", then);
    }
  }

  /**
   * A transaction reads one TXID, and asks for it after its first read: a function alone reads
   * nothing.
   */
  private static void print(String when, Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows = statement.executeQuery("SELECT * FROM revenue")) {
        while (rows.next()) {
          System.out.println(rows.getString(1) + "|" + rows.getInt(2) + "|" + rows.getDouble(3));
        }
      }
      // The last instant at which this view was proven to be the newest is so many seconds ago.
      try (ResultSet row = statement.executeQuery("SELECT litestream_txid(), litestream_lag()")) {
        System.out.println(when + ": TXID " + row.getString(1) + ", lag " + row.getLong(2));
      }
    }
    connection.commit();
  }
}
