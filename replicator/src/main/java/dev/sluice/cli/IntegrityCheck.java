package dev.sluice.cli;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** How thoroughly SQLite looks at a restored database. */
enum IntegrityCheck {
  NONE(""),
  QUICK("quick_check"),
  FULL("integrity_check");

  private final String pragma;

  IntegrityCheck(String pragma) {
    this.pragma = pragma;
  }

  /**
   * Lets SQLite check {@code database}, which nobody else has open.
   *
   * @throws Failure if it finds a fault or cannot read the file
   */
  void run(Path database) throws Failure {
    if (this == NONE) {
      return;
    }
    String doing = pragma.replace('_', ' ') + " of the restored database";
    try (Connection connection = DriverManager.getConnection(url(database));
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("PRAGMA " + pragma + "(1)")) {
      String verdict = rows.next() ? rows.getString(1) : "no answer";
      if (!"ok".equals(verdict)) {
        throw new Failure(doing, verdict);
      }
    } catch (SQLException e) {
      throw new Failure(doing, e);
    }
  }

  /** Immutable, so that SQLite makes no file beside it, not even for a database in WAL mode. */
  private static String url(Path database) {
    return "jdbc:sqlite:" + uri(database) + "?immutable=1";
  }

  /** Returns a file's SQLite URI without parameters. */
  static String uri(Path database) {
    String path =
        database
            .toAbsolutePath()
            .toString()
            .replace("%", "%25")
            .replace("?", "%3f")
            .replace("#", "%23");
    return "file:" + path;
  }
}
