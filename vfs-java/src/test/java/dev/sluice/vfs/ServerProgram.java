package dev.sluice.vfs;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;

/**
 * A server in a JVM of its own: threads query a replica until the JVM ends. Prints {@code ready}
 * when each has an answer. The arguments are a JDBC URL and what ends it: {@code exit} says exit
 * code 7 at once, {@code wait} waits for a signal.
 */
final class ServerProgram {
  private static final int THREADS = 4;

  private ServerProgram() {}

  public static void main(String[] args) throws Exception {
    CountDownLatch answered = new CountDownLatch(THREADS);
    for (int i = 0; i < THREADS; i++) {
      new Thread(() -> query(args[0], answered), "query-" + i).start();
    }
    answered.await();
    System.out.println("ready");
    if (args[1].equals("exit")) {
      System.exit(7);
    }
  }

  private static void query(String url, CountDownLatch answered) {
    try {
      while (true) {
        try (Connection connection = DriverManager.getConnection(url)) {
          for (int i = 0; i < 20; i++) {
            String found = DatabaseContents.value(connection, "PRAGMA integrity_check");
            if (!found.equals("ok")) {
              throw new IOException(found);
            }
          }
        }
        answered.countDown();
      }
    } catch (SQLException | IOException e) {
      e.printStackTrace();
      Runtime.getRuntime().halt(9);
    }
  }
}
