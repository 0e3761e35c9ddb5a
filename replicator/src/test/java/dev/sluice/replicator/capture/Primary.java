package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Cut;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.sqlite.SQLiteConnection;

/**
 * A database with an application, which may be gone, and our capture of it, which may be gone as
 * well. Time goes on when it is told to. Confined to one thread at a time.
 */
final class Primary implements AutoCloseable {
  private final Path database;
  private final Path directory;
  private CaptureSettings settings;
  private Optional<Connection> application = Optional.empty();
  private Optional<Spool> spool = Optional.empty();
  private Optional<DatabaseCapture> capture = Optional.empty();
  private long nanos;

  Primary(Path folder) {
    database = folder.resolve("app.db");
    directory = folder.resolve(".app.db-litestream");
    settings = CaptureSettings.of(database).withTime(InstantSource.system(), () -> nanos);
  }

  Path database() {
    return database;
  }

  Path wal() {
    return Path.of(database + "-wal");
  }

  Path directory() {
    return directory;
  }

  void set(CaptureSettings changed) {
    settings = changed;
  }

  CaptureSettings settings() {
    return settings;
  }

  void pass(long millis) {
    nanos += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  Connection application() throws SQLException {
    if (application.isEmpty()) {
      application = Optional.of(DriverManager.getConnection("jdbc:sqlite:" + database));
      execute("PRAGMA wal_autocheckpoint=0", "PRAGMA synchronous=OFF");
    }
    return application.get();
  }

  /** Makes a WAL database with a table {@code t(id, value)}. */
  void create(int pageSize) throws SQLException {
    execute(
        "PRAGMA page_size=" + pageSize,
        "PRAGMA journal_mode=WAL",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, value)");
  }

  void execute(String... statements) throws SQLException {
    try (Statement statement = application().createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  void insert(int rows, int bytes) throws SQLException {
    execute(
        "INSERT INTO t(value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
            + rows
            + ") SELECT randomblob("
            + bytes
            + ") FROM n");
  }

  /** Returns the first column of the answer. */
  long checkpoint(String mode) throws SQLException {
    try (Statement statement = application().createStatement();
        ResultSet row = statement.executeQuery("PRAGMA wal_checkpoint(" + mode + ")")) {
      assertTrue(row.next());
      return row.getLong(1);
    }
  }

  /** Ends the application; the last connection of all deletes the WAL. */
  void endApplication() throws SQLException {
    if (application.isPresent()) {
      application.get().close();
    }
    application = Optional.empty();
  }

  Spool spool() throws IOException {
    if (spool.isEmpty()) {
      SpoolSetup setup = SpoolSetup.of(() -> Instant.ofEpochMilli(1));
      try {
        spool = Optional.of(Spool.open(directory, setup));
      } catch (SpoolException.NoRecord e) {
        spool = Optional.of(Spool.begin(directory, Txid.NONE, 0, setup));
      }
    }
    return spool.get();
  }

  DatabaseCapture capture() throws IOException {
    if (capture.isEmpty()) {
      capture = Optional.of(DatabaseCapture.begin(settings, spool(), new CaptureBuffers(1)));
    }
    return capture.get();
  }

  /** Captures, and cuts what was captured. */
  Txid cut() throws IOException {
    capture().capture();
    Optional<Cut> cut = spool().seal();
    if (cut.isPresent()) {
      cut.get().write();
    }
    return spool().lastCut().txid();
  }

  /** Ends our process as it should. */
  void stop() throws IOException {
    capture().close();
    Optional<Cut> cut = spool().seal();
    if (cut.isPresent()) {
      cut.get().write();
    }
    spool().close();
    capture = Optional.empty();
    spool = Optional.empty();
  }

  /** Ends our process as kill -9 does. */
  void kill() throws IOException {
    if (capture.isPresent()) {
      capture.get().abandon();
    }
    if (spool.isPresent()) {
      spool.get().close();
    }
    capture = Optional.empty();
    spool = Optional.empty();
  }

  /** Returns all pages as a connection sees them. */
  byte[] image() throws SQLException {
    return application().unwrap(SQLiteConnection.class).serialize("main");
  }

  /** Returns what the files from TXID 1 up to one make. */
  byte[] restored(Txid last) throws IOException {
    byte[] image = {};
    Txid expected = Txid.FIRST;
    for (SpooledFile file : spool().files()) {
      if (!file.txid().isAfter(last)) {
        assertEquals(expected, file.txid());
        image = apply(image, file.path());
        expected = expected.next();
      }
    }
    assertEquals(last.next(), expected);
    return image;
  }

  private static byte[] apply(byte[] before, Path file) throws IOException {
    try (LtxDecoder decoder = new LtxDecoder(Files.newInputStream(file), file.toString())) {
      int pageSize = decoder.header().pageSize();
      byte[] image = Arrays.copyOf(before, Math.toIntExact(decoder.header().commit() * pageSize));
      while (decoder.next()) {
        System.arraycopy(
            decoder.page(), 0, image, Math.toIntExact((decoder.pgno() - 1) * pageSize), pageSize);
      }
      decoder.finish();
      return image;
    }
  }

  /** Returns how many pages the file of a cut has. */
  int pages(Txid txid) throws IOException {
    try (LtxDecoder decoder =
        new LtxDecoder(Files.newInputStream(spool().path(txid)), txid.toString())) {
      int pages = 0;
      while (decoder.next()) {
        pages++;
      }
      return pages;
    }
  }

  /** Fails unless the last cut is the database. */
  void requireCaptured() throws IOException, SQLException {
    assertArrayEquals(image(), restored(spool().lastCut().txid()));
  }

  @Override
  public void close() throws SQLException, IOException {
    kill();
    endApplication();
  }
}
