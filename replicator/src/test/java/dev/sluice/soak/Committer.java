package dev.sluice.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Random;

/**
 * One connection that commits when it is told to: the application, where the test decides what
 * happens when. Confined to one thread at a time.
 */
final class Committer implements AutoCloseable {
  private static final String TABLE = Application.table(0);
  private static final int IDS = 300;

  private final Connection connection;
  private final Journal journal;
  private final Random random;
  private final Model model;

  /** Opens or makes a database; the page size is that of a new one. */
  Committer(Path database, int pageSize, Journal journal, Random random)
      throws SQLException, IOException {
    this.journal = journal;
    this.random = random;
    this.connection = DriverManager.getConnection("jdbc:sqlite:" + database);
    execute("PRAGMA busy_timeout=10000");
    execute("PRAGMA page_size=" + pageSize);
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA wal_autocheckpoint=0");
    if (Application.value(connection, "SELECT 1 FROM sqlite_schema").isEmpty()) {
      execute("BEGIN");
      execute("CREATE TABLE n(number INTEGER)");
      execute(Application.createTable(TABLE));
      execute("INSERT INTO n VALUES(0)");
      this.model = Model.of(connection);
      number();
    } else {
      this.model = Model.of(connection);
    }
  }

  void execute(String sql) throws SQLException {
    Application.execute(connection, sql);
  }

  /** Makes so many transactions. */
  void commit(int times) throws SQLException, IOException {
    for (int i = 0; i < times; i++) {
      execute("BEGIN IMMEDIATE");
      int changes = 1 + random.nextInt(20);
      for (int change = 0; change < changes; change++) {
        change();
      }
      number();
    }
  }

  private void change() throws SQLException {
    long id = 1L + random.nextInt(IDS);
    if (random.nextInt(3) == 0) {
      execute("DELETE FROM " + TABLE + " WHERE id = " + id);
      model.remove(TABLE, id);
      return;
    }
    long seed = random.nextLong();
    try (PreparedStatement put =
        connection.prepareStatement("INSERT OR REPLACE INTO " + TABLE + " VALUES(?, ?, ?)")) {
      put.setLong(1, id);
      put.setLong(2, seed);
      put.setBytes(3, Rows.blob(seed));
      put.executeUpdate();
    }
    model.put(TABLE, id, seed);
  }

  private void number() throws SQLException, IOException {
    long number = journal.lastNumber() + 1;
    execute("UPDATE n SET number = " + number);
    journal.writing(number, model.hash());
    execute("COMMIT");
    journal.committed(number);
    model.committed();
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
