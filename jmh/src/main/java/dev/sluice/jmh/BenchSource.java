package dev.sluice.jmh;

import dev.sluice.vfs.Sluice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.stream.Stream;

/** Where the pages of a benchmark's connections come from. */
enum BenchSource {
  /** SQLite's own VFS on the database file. */
  LOCAL,

  /** The page store of a replica, which has each page because it was asked for before. */
  WARM,

  /** The page store of a replica, filled in the background. */
  HYDRATED;

  /** What all connections have in common: so little that pages are really asked for. */
  static final String SMALL_CACHE = "PRAGMA cache_size=10";

  private static final String DONE = "100.0";

  static BenchSource of(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }

  /** Returns the name in tables. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Makes a replica of this source's own, as a process opens one replica once; before the first
   * {@link #open}.
   *
   * @param folder holds what this makes
   */
  void prepare(BenchDatabase database, Path folder) throws IOException {
    if (this != LOCAL) {
      Sluice.register();
      link(database.replica(), folder.resolve(label()).resolve("replica"));
    }
  }

  private String url(BenchDatabase database, Path folder) {
    if (this == LOCAL) {
      return "jdbc:sqlite:file:" + database.file() + "?mode=ro";
    }
    Path own = folder.resolve(label());
    return "jdbc:sqlite:file:bench?vfs=litestream&mode=ro&replica_url=file:"
        + own.resolve("replica")
        + "&cache_dir="
        + own.resolve("cache")
        + "&hydration_enabled="
        + (this == HYDRATED);
  }

  /** The same files under other names. */
  private static void link(Path replica, Path copy) throws IOException {
    try (Stream<Path> files = Files.walk(replica)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path linked = copy.resolve(replica.relativize(file));
        Files.createDirectories(linked.getParent());
        Files.createLink(linked, file);
      }
    }
  }

  /** Opens a connection and sees to it that every page is where this says. */
  Connection open(BenchDatabase database, Path folder)
      throws IOException, SQLException, InterruptedException {
    Connection connection = DriverManager.getConnection(url(database, folder));
    try (Statement statement = connection.createStatement()) {
      statement.execute(SMALL_CACHE);
      while (this == HYDRATED
          && !DONE.equals(text(statement, "PRAGMA litestream_hydration_progress"))) {
        Thread.sleep(20);
      }
      text(statement, "SELECT sum(length(word)) FROM t");
    }
    return connection;
  }

  private static String text(Statement statement, String sql) throws SQLException {
    try (ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }
}
