package dev.sluice.examples.hikaricp;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Prints what one transaction sees of a river lock, through a pool. The one argument is the
 * replica: {@code file:docs/example}.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws SQLException {
    try (HikariDataSource pool = pool(args[0])) {
      try (Connection connection = pool.getConnection()) {
        System.out.println(report(connection));
        connection.commit();
      }
    }
  }

  /** Four connections share the replica's files, page map and cache: a connection more is cheap. */
  static HikariDataSource pool(String replica) {
    HikariConfig config = new HikariConfig();
    config.setDriverClassName("dev.sluice.vfs.SluiceDriver");
    config.setJdbcUrl(
        "jdbc:sqlite:file:lock.db?vfs=litestream&mode=ro&poll_interval=100ms&replica_url="
            + replica);
    config.setMaximumPoolSize(4);
    config.setAutoCommit(false);
    // It reads the replica, which isValid() does not: a connection whose replica was replaced by
    // another fails it, and the pool opens a new one. HikariCP asks when a connection is borrowed
    // that nobody used for half a second; with the system property
    // com.zaxxer.hikari.aliveBypassWindowMs=0, at each borrow.
    config.setConnectionTestQuery("SELECT count(*) FROM sqlite_schema");
    // Without auto-commit the pool's own queries begin a transaction too. This ends it; otherwise
    // who borrows the connection next reads the TXID of that time.
    config.setIsolateInternalQueries(true);
    return new HikariDataSource(config);
  }

  /** All reads up to the commit are of one TXID; the next transaction sees the newest again. */
  static String report(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT count(*), sum(fee_cents), litestream_txid() FROM passage")) {
      return "%d passages, %d cents at TXID %s"
          .formatted(row.getInt(1), row.getLong(2), row.getString(3));
    }
  }
}
