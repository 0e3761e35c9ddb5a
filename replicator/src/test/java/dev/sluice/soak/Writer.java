package dev.sluice.soak;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.sqlite.SQLiteException;

/** One connection of the application that writes. Confined to its thread. */
final class Writer implements Runnable {
  private static final List<String> CHECKPOINTS = List.of("PASSIVE", "FULL", "RESTART", "TRUNCATE");
  private static final int ROWS = 200;
  private static final int IDS = 400;

  private final Application application;
  private final Model model;
  private final Random random;

  Writer(Application application, Random random) {
    this.application = application;
    this.model = application.model;
    this.random = random;
  }

  @Override
  public void run() {
    try {
      while (!application.isEnding) {
        try (Connection connection = application.connect()) {
          live(connection);
        }
      }
    } catch (SQLException | IOException | RuntimeException e) {
      Application.trouble(e);
    }
  }

  /** A connection's life; each has its own habits. */
  private void live(Connection connection) throws SQLException, IOException {
    List<String> synchronous = List.of("OFF", "NORMAL", "NORMAL", "FULL");
    List<Integer> autocheckpoints = List.of(0, 20, 200, 1000, 1000);
    set(connection, "synchronous", synchronous.get(random.nextInt(4)));
    set(connection, "wal_autocheckpoint", "" + autocheckpoints.get(random.nextInt(5)));
    // A small cache has pages of an open transaction spill into the WAL.
    set(connection, "cache_size", random.nextInt(3) == 0 ? "5" : "500");
    int steps = 50 + random.nextInt(1000);
    for (int i = 0; i < steps && !application.isEnding; i++) {
      application.gate.readLock().lock();
      try {
        step(connection);
      } catch (SQLiteException e) {
        application.busy.refused(e);
      } finally {
        application.gate.readLock().unlock();
      }
      rest();
    }
  }

  private static void set(Connection connection, String pragma, String value) throws SQLException {
    Application.execute(connection, "PRAGMA " + pragma + "=" + value);
  }

  private void rest() {
    int micros = application.settings.pauseMicros();
    if (micros > 0) {
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(2 * micros)));
    }
  }

  /** A step of an orderly application waits for no other one of its own. */
  private void step(Connection connection) throws SQLException, IOException {
    if (!application.settings.isOrderly()) {
      anyStep(connection);
      return;
    }
    application.turn.lock();
    try {
      anyStep(connection);
    } finally {
      application.turn.unlock();
    }
  }

  private void anyStep(Connection connection) throws SQLException, IOException {
    int kind = random.nextInt(1000);
    if (kind < 3) {
      Application.execute(connection, "VACUUM");
    } else if (kind < 20) {
      Application.execute(connection, "PRAGMA incremental_vacuum(" + random.nextInt(30) + ")");
    } else if (kind < 60) {
      String mode = CHECKPOINTS.get(random.nextInt(CHECKPOINTS.size()));
      String pragma = "PRAGMA wal_checkpoint(" + mode + ")";
      long begunNanos = System.nanoTime();
      boolean isRefused = Application.value(connection, pragma).orElseThrow().equals("1");
      application.busy.checkpointed(mode, isRefused, System.nanoTime() - begunNanos);
    } else {
      transaction(connection, kind < 65 ? 1000 : 1 + random.nextInt(15));
    }
  }

  private void transaction(Connection connection, int changes) throws SQLException, IOException {
    Application.execute(connection, "BEGIN IMMEDIATE");
    application.lock.lock();
    try {
      boolean isCommitted = false;
      try {
        changes(connection, changes);
        isCommitted = random.nextInt(12) > 0 && commit(connection);
      } finally {
        if (!isCommitted) {
          model.rollBackTo(0);
          Application.execute(connection, "ROLLBACK");
        }
      }
    } finally {
      application.lock.unlock();
    }
  }

  private boolean commit(Connection connection) throws SQLException, IOException {
    long number = application.journal.lastNumber() + 1;
    Application.execute(connection, "UPDATE n SET number = " + number);
    application.journal.writing(number, model.hash());
    Application.execute(connection, "COMMIT");
    application.journal.committed(number);
    model.committed();
    return true;
  }

  private void changes(Connection connection, int changes) throws SQLException {
    if (random.nextInt(40) == 0) {
      define(connection);
    }
    change(connection, changes);
    if (random.nextInt(10) == 0) {
      int savepoint = model.savepoint();
      Application.execute(connection, "SAVEPOINT s");
      change(connection, changes);
      if (random.nextBoolean()) {
        Application.execute(connection, "ROLLBACK TO s");
        model.rollBackTo(savepoint);
        change(connection, 1);
      }
      Application.execute(connection, "RELEASE s");
    }
  }

  /** Creates or drops a table or an index. */
  private void define(Connection connection) throws SQLException {
    String table = Application.anyTable(random);
    String index = Rows.INDEXES + table;
    // "Already exists" is said by the schema as this connection knows it, which may be an old one.
    Application.value(connection, "SELECT 1 FROM sqlite_schema");
    if (!model.hasTable(table)) {
      Application.execute(connection, Application.createTable(table));
      model.createTable(table);
    } else if (random.nextInt(3) == 0) {
      Application.execute(connection, "DROP TABLE " + table);
      model.dropTable(table);
    } else if (model.hasIndex(index)) {
      Application.execute(connection, "DROP INDEX " + index);
      model.dropIndex(index);
    } else {
      Application.execute(connection, "CREATE INDEX " + index + " ON " + table + "(seed, a)");
      model.createIndex(index);
    }
  }

  private void change(Connection connection, int changes) throws SQLException {
    String table = Application.anyTable(random);
    if (!model.hasTable(table)) {
      return;
    }
    try (PreparedStatement put =
            connection.prepareStatement("INSERT OR REPLACE INTO " + table + " VALUES(?, ?, ?)");
        PreparedStatement delete =
            connection.prepareStatement("DELETE FROM " + table + " WHERE id = ?")) {
      for (int i = 0; i < changes; i++) {
        if (random.nextInt(ROWS) < model.rowCount(table)) {
          long id = model.anyId(table, random);
          delete.setLong(1, id);
          delete.executeUpdate();
          model.remove(table, id);
        } else {
          long id = 1L + random.nextInt(IDS);
          long seed = random.nextLong();
          put.setLong(1, id);
          put.setLong(2, seed);
          put.setBytes(3, Rows.blob(seed));
          put.executeUpdate();
          model.put(table, id, seed);
        }
      }
    }
  }
}
