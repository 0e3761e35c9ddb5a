package dev.sluice.cli;

import dev.sluice.cache.restore.DatabasePlace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/**
 * A database that is to be replaced. SQLite makes it whole without its journal and WAL first, so
 * that whatever interrupts the change of names leaves it or the new one.
 */
final class OldDatabase {
  private static final int BUSY_MILLIS = 2_000;
  private static final int CODE_MASK = 0xff;
  private static final int CORRUPT = 11;
  private static final int NOT_A_DATABASE = 26;

  private OldDatabase() {}

  /**
   * Rolls back its journal and checkpoints its WAL, if there is anything in them; those of a
   * database that SQLite cannot read go.
   *
   * @throws Failure if another program has it open, or it cannot be written to
   */
  static void settle(DatabasePlace place) throws Failure {
    try {
      if (place.unsettled().isEmpty()) {
        return;
      }
      boolean isDatabase = settle(place.file());
      Optional<Path> used = place.unsettled();
      if (isDatabase && used.isPresent()) { // it is written to just now
        throw inUse(place.file());
      }
      while (used.isPresent()) {
        Files.delete(used.get());
        used = place.unsettled();
      }
    } catch (IOException e) {
      throw new Failure("restore to " + place.file(), e);
    }
  }

  private static Failure inUse(Path database) {
    return new Failure("restore to " + database, "another program has the database there open");
  }

  /** Returns false if SQLite cannot read it. */
  private static boolean settle(Path database) throws Failure {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + IntegrityCheck.uri(database));
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout = " + BUSY_MILLIS);
      statement.executeQuery("SELECT count(*) FROM sqlite_schema").close();
      try (ResultSet row = statement.executeQuery("PRAGMA wal_checkpoint(TRUNCATE)")) {
        if (row.next() && row.getInt(1) != 0) {
          throw inUse(database);
        }
      }
      return true;
    } catch (SQLException e) {
      int code = e.getErrorCode() & CODE_MASK;
      if (code != CORRUPT && code != NOT_A_DATABASE) {
        throw new Failure("restore to " + database + ": the database there", e);
      }
      return false;
    }
  }
}
