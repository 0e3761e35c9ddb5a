package dev.sluice.vfs;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Optional;
import java.util.Properties;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sqlite.JDBC;

/**
 * Opens replicas through JDBC: {@code
 * jdbc:sqlite:file:NAME?vfs=litestream&mode=ro&replica_url=...}.
 *
 * <p>It only registers the VFS and leaves the URL to sqlite-jdbc; the parameters are read when
 * SQLite opens the file. So it does not matter which of the two stands first on the class path.
 * {@link DriverManager} asks every driver and reports the first failure, so this one puts itself
 * before sqlite-jdbc and there answers null: a replica is tried once, and why it failed is what the
 * user sees.
 *
 * <p>NAME is a label for messages, and must be there: for an empty name, {@code :memory:} or {@code
 * mode=memory} SQLite opens an empty database and asks no VFS. This driver refuses such a URL; to
 * {@code DriverManager} with a {@link SluiceException}, since it passes over a SQLException if
 * another driver takes the URL. Thread-safe.
 */
public final class SluiceDriver implements Driver {
  private static final Pattern OURS =
      Pattern.compile("jdbc:sqlite:.*[?&]vfs=litestream(&.*)?", Pattern.DOTALL);

  private static final Pattern MEMORY = Pattern.compile(".*[?&]mode=memory(&.*)?", Pattern.DOTALL);

  private static final Pattern ENCODED = Pattern.compile("%([0-9a-fA-F]{2})");

  private final JDBC sqlite = new JDBC();

  static {
    try {
      DriverManager.registerDriver(new SluiceDriver());
      for (Driver driver : DriverManager.drivers().toList()) {
        if (driver instanceof JDBC) {
          DriverManager.deregisterDriver(driver);
          DriverManager.registerDriver(driver);
        }
      }
    } catch (SQLException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** For {@link java.util.ServiceLoader} and connection pools. */
  public SluiceDriver() {}

  /**
   * Returns a connection, or null if the URL does not name the VFS {@code litestream} or
   * sqlite-jdbc is asked next.
   *
   * @throws SluiceException if {@code DriverManager} asks with a URL that has no label
   */
  @SuppressWarnings("NullAway") // JDBC asks for null
  @Override
  public Connection connect(String url, Properties properties) throws SQLException {
    if (!acceptsURL(url)) {
      return null;
    }
    boolean isAskedByManager =
        StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE).getCallerClass()
            == DriverManager.class;
    Optional<String> refusal = refusal(url);
    if (refusal.isPresent()) {
      if (isAskedByManager) {
        // After a SQLException the manager would ask sqlite-jdbc, which opens an empty database.
        throw new SluiceException(refusal.get());
      }
      throw new SQLException(refusal.get());
    }
    try {
      Sluice.register();
    } catch (SluiceException e) {
      throw new SQLException(e.getMessage(), e);
    }
    return isAskedByManager && isSqliteAskedNext() ? null : sqlite.connect(url, properties);
  }

  /** Returns why SQLite would open something else than a replica, without asking the VFS. */
  private static Optional<String> refusal(String url) {
    String name = url.substring(JDBC.PREFIX.length());
    if (!name.startsWith("file:")) {
      return Optional.of(
          "the URL of a replica begins with jdbc:sqlite:file:NAME? - without \"file:\" SQLite takes"
              + " its parameters for a part of a file's name");
    }
    int query = name.indexOf('?');
    int fragment = name.indexOf('#');
    if (query < 0 || (fragment >= 0 && fragment < query)) {
      return Optional.of(
          "the URL of a replica is jdbc:sqlite:file:NAME?vfs=litestream&...: SQLite ends the name at"
              + " '?' or '#' and sees no parameters behind a '#'");
    }
    String label = label(name.substring("file:".length(), query));
    boolean isInMemory =
        label.equals(":memory:") || MEMORY.matcher(name.substring(query)).matches();
    return label.isEmpty() || isInMemory
        ? Optional.of(
            "the URL of a replica needs a label, as in jdbc:sqlite:file:NAME?vfs=litestream: for "
                + (isInMemory ? "a database in memory" : "an empty name")
                + " SQLite opens an empty database of its own")
        : Optional.empty();
  }

  /** Returns the name as SQLite decodes it: up to a NUL. */
  private static String label(String encoded) {
    String decoded =
        ENCODED
            .matcher(encoded)
            .replaceAll(
                octet ->
                    Matcher.quoteReplacement(
                        String.valueOf((char) Integer.parseInt(octet.group(1), 16))));
    int end = decoded.indexOf('\0');
    return end < 0 ? decoded : decoded.substring(0, end);
  }

  private static boolean isSqliteAskedNext() {
    return DriverManager.drivers()
        .dropWhile(driver -> !(driver instanceof SluiceDriver))
        .anyMatch(JDBC.class::isInstance);
  }

  @Override
  public boolean acceptsURL(String url) {
    return OURS.matcher(url).matches();
  }

  @Override
  public DriverPropertyInfo[] getPropertyInfo(String url, Properties properties)
      throws SQLException {
    return sqlite.getPropertyInfo(url, properties);
  }

  @Override
  public int getMajorVersion() {
    return 0;
  }

  @Override
  public int getMinorVersion() {
    return 1;
  }

  @Override
  public boolean jdbcCompliant() {
    return false;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException("Sluice logs through SLF4J");
  }
}
