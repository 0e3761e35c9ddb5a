package dev.sluice.bench;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * A program that holds one SQLite connection with a reader for each database, and does nothing
 * else: what of a daemon's memory is SQLite's. Arguments: DATABASE...
 */
final class BareConnections {
  static final String READY = "ready";

  private BareConnections() {}

  public static void main(String[] databases) throws Exception {
    List<Connection> open = new ArrayList<>();
    for (String database : databases) {
      Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
      open.add(connection);
      Statement statement = connection.createStatement();
      statement.execute("BEGIN");
      try (ResultSet rows = statement.executeQuery("SELECT 1 FROM sqlite_schema LIMIT 1")) {
        rows.next();
      }
    }
    System.out.println(READY + " " + open.size());
    new CountDownLatch(1).await();
  }
}
