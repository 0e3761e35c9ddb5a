package dev.sluice.soak;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A connection of the application whose transactions last, so that the WAL grows behind them.
 * Confined to its thread.
 */
final class IdleReader implements Runnable {
  private static final int MILLIS = 1500;

  private final Application application;
  private final Random random;

  IdleReader(Application application, Random random) {
    this.application = application;
    this.random = random;
  }

  @Override
  public void run() {
    try (Connection connection = application.connect()) {
      while (!application.isEnding) {
        application.gate.readLock().lock();
        try {
          Application.execute(connection, "BEGIN");
          Application.value(connection, "SELECT number FROM n");
          rest(random.nextInt(4) == 0 ? random.nextInt(MILLIS) : 1);
          Application.execute(connection, "COMMIT");
        } finally {
          application.gate.readLock().unlock();
        }
        rest(random.nextInt(MILLIS));
      }
    } catch (SQLException | RuntimeException e) {
      Application.trouble(e);
    }
  }

  private static void rest(int millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }
}
