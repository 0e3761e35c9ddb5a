package dev.sluice.vfs;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** What a class loader of its own runs; the names are looked up by reflection. */
public final class Webapp {
  private static @Nullable Connection open;

  private Webapp() {}

  /** Opens a connection that stays open, and returns the TXID and what a check says. */
  public static String start(String url) throws SQLException {
    Connection connection =
        Objects.requireNonNull(new SluiceDriver().connect(url, new Properties()));
    open = connection;
    return DatabaseContents.value(connection, "SELECT litestream_txid()")
        + " "
        + DatabaseContents.value(connection, "PRAGMA integrity_check");
  }

  /** Returns the TXID on the open connection. */
  public static String txid() throws SQLException {
    return DatabaseContents.value(opened(), "SELECT litestream_txid()");
  }

  /** Does what a container and a well-behaved application do when it is undeployed. */
  public static void stop() throws SQLException {
    opened().close();
    Sluice.unregister();
    deregisterDrivers();
  }

  /** Leaves its connection open. */
  public static void stopCarelessly() throws SQLException {
    Sluice.unregister();
    deregisterDrivers();
  }

  /** Closes what {@link #stopCarelessly} has left. */
  public static void closeLate() throws SQLException {
    opened().close();
  }

  private static Connection opened() {
    return Objects.requireNonNull(open);
  }

  private static void deregisterDrivers() throws SQLException {
    List<Driver> drivers = DriverManager.drivers().toList();
    for (Driver driver : drivers) {
      if (driver.getClass().getClassLoader() == Webapp.class.getClassLoader()) {
        DriverManager.deregisterDriver(driver);
      }
    }
  }
}
