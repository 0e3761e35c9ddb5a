package dev.sluice.vfs;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The program of {@link DriverOrderTest}: prints the integrity and TXID of the replica at a JDBC
 * URL, or why there is none.
 */
final class OpenByDriver {
  private OpenByDriver() {}

  public static void main(String[] args) {
    try (Connection db = DriverManager.getConnection(args[0]);
        Statement sql = db.createStatement();
        ResultSet result =
            sql.executeQuery(
                "SELECT integrity_check, litestream_txid() FROM pragma_integrity_check")) {
      System.out.println(result.getString(1) + " " + result.getString(2));
    } catch (SQLException e) {
      System.out.println(e.getMessage());
    }
  }
}
