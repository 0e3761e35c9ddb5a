package dev.sluice.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The application of {@code sluice demo}, in a process of its own: a shop that takes orders. It
 * knows nothing of replicas: plain SQLite in WAL mode, a commit for each order. After each commit
 * it says {@code order <id> <milliseconds since 1970>}; it ends when its standard input does.
 */
final class DemoApplication {
  private static final String[] GOODS = {"tea", "rope", "lantern", "compass", "biscuits"};
  private static final int PAUSE_MILLIS_MIN = 60;
  private static final int PAUSE_MILLIS_MAX = 260;

  private DemoApplication() {}

  /** Takes the database's path. */
  public static void main(String[] args) throws Exception {
    CountDownLatch ending = new CountDownLatch(1);
    Thread input = new Thread(() -> awaitEndOfInput(ending), "demo-input");
    input.setDaemon(true);
    input.start();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + Path.of(args[0]))) {
      takeOrders(connection, ending);
    }
    System.exit(0);
  }

  private static void awaitEndOfInput(CountDownLatch ending) {
    try {
      while (System.in.read() >= 0) {
        // Nothing is said; only the end matters.
      }
    } catch (IOException e) {
      // The same.
    }
    ending.countDown();
  }

  private static void takeOrders(Connection connection, CountDownLatch ending)
      throws SQLException, InterruptedException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode = WAL");
      statement.execute("PRAGMA busy_timeout = 5000");
      statement.execute(
          "CREATE TABLE orders (id INTEGER PRIMARY KEY, goods TEXT NOT NULL, pieces INTEGER NOT NULL,"
              + " cents INTEGER NOT NULL, note TEXT NOT NULL)");
    }
    Random random = new Random();
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO orders (goods, pieces, cents, note) VALUES (?, ?, ?, ?)")) {
      long id = 0;
      do {
        insert.setString(1, GOODS[random.nextInt(GOODS.length)]);
        insert.setInt(2, 1 + random.nextInt(9));
        insert.setInt(3, 100 + random.nextInt(9900));
        insert.setString(4, "n".repeat(random.nextInt(800)));
        insert.executeUpdate();
        id++;
        System.out.println(
            String.format(Locale.ROOT, "order %d %d", id, System.currentTimeMillis()));
        System.out.flush();
      } while (!ending.await(
          PAUSE_MILLIS_MIN + random.nextInt(PAUSE_MILLIS_MAX - PAUSE_MILLIS_MIN),
          TimeUnit.MILLISECONDS));
    }
  }
}
