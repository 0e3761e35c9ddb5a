package dev.sluice.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/** The application's database, looked at from outside while nobody writes. */
final class Primary {

  private Primary() {}

  /** Copies a database and its WAL, and merges the copies into one file. */
  static Path copy(Path database, Path to) throws IOException, SQLException {
    Files.deleteIfExists(Path.of(to + "-shm"));
    for (String suffix : List.of("", "-wal")) {
      Files.deleteIfExists(Path.of(to + suffix));
      Path from = Path.of(database + suffix);
      if (Files.exists(from)) {
        Files.copy(from, Path.of(to + suffix));
      }
    }
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + to)) {
      Application.value(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
    return to;
  }
}
