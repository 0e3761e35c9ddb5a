package dev.sluice.vfs;

import dev.sluice.storage.Environment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Properties;
import org.sqlite.SQLiteConfig;

/**
 * The VFS as this class loader has it registered: the library, the callbacks, and sqlite-jdbc's
 * SQLite.
 *
 * <p>sqlite-jdbc exports nothing of SQLite, so the library registers itself as a loadable
 * extension, on a throw-away connection; it stays for every connection of the JVM. Thread-safe.
 */
final class Registration {
  static final int GOODBYE_MILLIS = 10_000;

  private final Upcalls upcalls;
  private final Backend backend;
  private volatile boolean isLeaving;

  private Registration(Upcalls upcalls, Backend backend) {
    this.upcalls = upcalls;
    this.backend = backend;
  }

  Backend backend() {
    return backend;
  }

  static Registration of(Backend backend, Environment environment) {
    LibraryFile library = LibraryFile.unpack(environment);
    load(library);
    Upcalls upcalls = new Upcalls(backend, environment);
    int code = upcalls.register();
    if (code == ResultCodes.BUSY) {
      throw new SluiceException(
          "another class loader of this JVM has Sluice registered; it must call Sluice.unregister() first");
    }
    if (code != ResultCodes.OK) {
      throw new SluiceException(
          "cannot register callbacks with " + library.path() + ": code " + code);
    }
    try {
      loadExtension(library);
    } catch (SQLException e) {
      Libsluice.sluice_backend_unregister(GOODBYE_MILLIS);
      throw new SluiceException(
          "cannot load " + library.path() + " into SQLite: " + e.getMessage(), e);
    }
    return new Registration(upcalls, backend);
  }

  /**
   * Says goodbye: C calls up no more, what waits fails, what was open here is closed, and its
   * connections answer errors. If a call under way does not end, a further goodbye finishes it;
   * nobody can register before.
   *
   * @param timeoutMillis how long calls under way may take to end
   */
  void unregister(int timeoutMillis) {
    if (Libsluice.sluice_backend_unregister(0) != ResultCodes.OK) {
      isLeaving = true;
      backend.stop();
      if (Libsluice.sluice_backend_unregister(timeoutMillis) != ResultCodes.OK) {
        throw new SluiceException(
            "a read of a replica has not ended within " + timeoutMillis / 1000.0 + " s");
      }
    }
    upcalls.closeFiles();
    backend.close();
  }

  /** Returns whether a goodbye has begun that has not ended. */
  boolean isLeaving() {
    return isLeaving;
  }

  private static void load(LibraryFile library) {
    try {
      Libsluice.load(library.path());
    } catch (LinkageError e) {
      String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new SluiceException(
          "cannot load "
              + library.path()
              + ": "
              + why
              + "; if its directory is mounted noexec choose another with "
              + LibraryFile.settings(),
          e);
    }
    int version = Libsluice.sluice_interface_version();
    if (version != Libsluice.INTERFACE_VERSION) {
      throw new SluiceException(
          library.path()
              + " speaks interface "
              + version
              + ", not "
              + Libsluice.INTERFACE_VERSION
              + ": Sluice's jars are of different versions");
    }
  }

  private static void loadExtension(LibraryFile library) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.enableLoadExtension(true);
    Properties properties = config.toProperties();
    try (Connection connection =
            org.sqlite.JDBC.createConnection("jdbc:sqlite::memory:", properties);
        PreparedStatement load =
            connection.prepareStatement("SELECT load_extension(?, 'sqlite3_sluice_init')")) {
      load.setString(1, library.path().toString());
      load.execute();
    }
  }
}
