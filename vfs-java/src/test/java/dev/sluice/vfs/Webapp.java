package dev.sluice.vfs;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/** What a class loader of its own runs; the names are looked up by reflection. */
public final class Webapp {
  private static Connection open;

  private Webapp() {}

  /** Opens a connection that stays open, and returns the TXID and what a check says. */
  public static String start(String url) throws SQLException {
    open = new SluiceDriver().connect(url, new java.util.Properties());
    return DatabaseContents.value(open, "SELECT litestream_txid()")
        + " "
        + DatabaseContents.value(open, "PRAGMA integrity_check");
  }

  /** Returns the TXID on the open connection. */
  public static String txid() throws SQLException {
    return DatabaseContents.value(open, "SELECT litestream_txid()");
  }

  /** Does what a container and a well-behaved application do when it is undeployed. */
  public static void stop() throws SQLException {
    open.close();
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
    open.close();
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
