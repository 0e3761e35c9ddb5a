package dev.sluice.vfs;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

/**
 * Reads a replica at random in a JVM of its own until that is killed. Prints {@code open} when
 * there is an answer, and what goes wrong. The arguments are a JDBC URL, the number of rows and a
 * seed.
 */
final class StoreProgram {
  private static final int THREADS = 3;
  private static final int QUERIES = 60;

  private StoreProgram() {}

  public static void main(String[] args) throws SQLException, IOException {
    Sluice.register();
    try (Connection kept = DriverManager.getConnection(args[0])) {
      read(kept, 1);
      System.out.println("open");
      System.out.flush();
      for (int i = 0; i < THREADS; i++) {
        Random random = new Random(Long.parseLong(args[2]) + i);
        new Thread(() -> query(args[0], Integer.parseInt(args[1]), random)).start();
      }
      while (System.in.read() >= 0) {
        read(kept, 1);
      }
    }
    Runtime.getRuntime().halt(0); // no hook of ours has a part in this
  }

  private static void query(String url, int rows, Random random) {
    try {
      while (true) {
        try (Connection connection = DriverManager.getConnection(url)) {
          for (int i = 0; i < QUERIES; i++) {
            read(connection, 1 + random.nextInt(rows));
          }
        }
      }
    } catch (SQLException | RuntimeException e) {
      e.printStackTrace(System.out);
      Runtime.getRuntime().halt(9);
    }
  }

  private static void read(Connection connection, int id) throws SQLException {
    try (Statement sql = connection.createStatement()) {
      sql.executeQuery("SELECT payload FROM t WHERE id >= " + id + " LIMIT 1").next();
    }
  }
}
