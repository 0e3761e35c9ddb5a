package dev.sluice.replicator.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.ReplicaContents;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.ReplicatorListener;
import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.ConfigurationFile;
import dev.sluice.replicator.config.ConfigurationFile.Variables;
import dev.sluice.replicator.config.Surroundings;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * The storage was away, the daemon was killed, and the database is gone: what was committed last is
 * in the spool only, some of it cut and some of it in the log. Confined to one thread at a time.
 */
abstract class LostDatabase {
  private static final int BLOB_BYTES = 9000;
  static final Duration SURELY = Duration.ofSeconds(30);
  static final Environment NOTHING = name -> Optional.empty();

  @TempDir Path folder;

  final Map<Long, String> sums = new HashMap<>();
  Path database = Path.of("");
  Path spool = Path.of("");
  Path replica = Path.of("");
  ReplicaUrl url = ReplicaUrl.ofDirectory("/");
  long number;

  @BeforeEach
  void loseTheDatabase() throws Exception {
    database = folder.resolve("a.db");
    spool = DatabaseSettings.of(database).metaPath();
    replica = Files.createDirectory(folder.resolve("r"));
    url = ReplicaUrl.ofDirectory(replica.toString());
    Path aside = folder.resolve("aside");
    Path killed = folder.resolve("killed");
    try (Connection application = connect(database);
        Replicator replicator = Replicator.builder().endLimit(Duration.ZERO).start()) {
      commit(application);
      ReplicatedDatabase replicated = replicator.add(database, url);
      assertEquals(new Txid(1), replicated.syncAndWait(SURELY));
      Files.move(replica, aside);
      Files.writeString(replica, "no directory");
      commit(application);
      CompletableFuture<Txid> unused = replicated.sync();
      await(() -> replicated.status().cut().equals(new Txid(2)) && !hasLog());
      long bytes = Files.size(spool.resolve("ltx/0/0000000000000002-0000000000000002.ltx"));
      commit(application);
      await(() -> replicated.status().waitingBytes() > bytes + BLOB_BYTES); // all of it
      copy(spool, killed);
    }
    delete(spool);
    Files.move(killed, spool);
    for (String name : List.of("a.db", "a.db-wal", "a.db-shm")) {
      Files.deleteIfExists(folder.resolve(name));
    }
    bringBack(aside);
  }

  void bringBack(Path aside) throws IOException {
    delete(replica);
    Files.move(aside, replica);
  }

  /** Has the storage away, until {@link #bringBackAtOnce}. */
  Path takeAway() throws IOException {
    Path away = Files.move(replica, folder.resolve("away"));
    Files.createSymbolicLink(replica, Files.writeString(folder.resolve("none"), "no directory"));
    return away;
  }

  /** As {@link #bringBack}, while it is in use: there is no moment at which it is empty. */
  void bringBackAtOnce(Path away) throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), away);
    Files.move(link, replica, StandardCopyOption.ATOMIC_MOVE);
  }

  private boolean hasLog() {
    try (Stream<Path> files = Files.list(spool)) {
      return files.anyMatch(file -> spool.relativize(file).toString().startsWith("log-"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static Connection connect(Path path) throws SQLException {
    Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
    execute(connection, "PRAGMA busy_timeout=5000");
    execute(connection, "PRAGMA journal_mode=WAL");
    execute(connection, "CREATE TABLE IF NOT EXISTS t(number INTEGER PRIMARY KEY, a BLOB)");
    return connection;
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      assertTrue(rows.next());
      return rows.getString(1);
    }
  }

  static String sum(Connection connection) throws SQLException {
    return value(connection, "SELECT group_concat(number || hex(a)) FROM t");
  }

  void commit(Connection application) throws SQLException {
    number++;
    execute(application, "INSERT INTO t VALUES(" + number + ", randomblob(" + BLOB_BYTES + "))");
    sums.put(number, sum(application));
  }

  static void await(BooleanSupplier claim) {
    long begunNanos = System.nanoTime();
    while (!claim.getAsBoolean()) {
      assertTrue(System.nanoTime() - begunNanos < SURELY.toNanos(), "it does not come");
      Thread.onSpinWait();
    }
  }

  static List<Path> all(Path root) throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      return paths.toList();
    }
  }

  static void copy(Path from, Path to) throws IOException {
    for (Path path : all(from)) {
      try {
        Files.copy(path, to.resolve(from.relativize(path)));
      } catch (NoSuchFileException e) {
        // A log that is cut.
      }
    }
  }

  static void delete(Path root) throws IOException {
    List<Path> paths = new ArrayList<>(all(root));
    for (int i = paths.size() - 1; i >= 0; i--) {
      Files.delete(paths.get(i));
    }
  }

  ReplicaClient client() {
    return ReplicaClients.open(url, NOTHING);
  }

  ReplicaContents contents() {
    return new ReplicaContents(url);
  }

  /** Each TXID is a committed state, none older than the one before, and the last is the last. */
  void requireAll() throws Exception {
    long last = 0;
    for (Txid txid : contents().txids()) {
      Path out = Files.createTempDirectory(folder, "txid").resolve("copy.db");
      contents().restore(txid, out);
      try (Connection copy = DriverManager.getConnection("jdbc:sqlite:" + out)) {
        assertEquals("ok", value(copy, "PRAGMA integrity_check"), "TXID " + txid);
        long is = Long.parseLong(value(copy, "SELECT max(number) FROM t"));
        assertEquals(sums.get(is), sum(copy), "TXID " + txid);
        assertTrue(is >= last, () -> "TXID " + txid + " is " + is);
        last = is;
      }
    }
    assertEquals(number, last);
  }

  Daemon restoringDaemon() throws Exception {
    return daemon("[{path: %s, restore-if-db-not-exists: true, replica: {path: %s}}]");
  }

  Daemon waitingDaemon() throws Exception {
    return daemon("[{path: %s, replica: {path: %s}}]");
  }

  /** Takes the databases of a configuration, as a format for the database and its replica. */
  Daemon daemon(String databases) throws Exception {
    Configuration configuration =
        ConfigurationFile.parse(
            "litestream.yml",
            "dbs: " + databases.formatted(database, replica),
            Variables.LITERAL,
            new Surroundings(NOTHING, folder, folder, 1));
    return Daemon.of(configuration, NOTHING, new ReplicatorListener() {});
  }

  void goOnWriting(ReplicatedDatabase replicated) throws Exception {
    try (Connection application = connect(database)) {
      assertEquals(sums.get(number), sum(application));
      commit(application);
      replicated.syncAndWait(SURELY);
      commit(application);
      replicated.syncAndWait(SURELY);
    }
    requireAll();
  }
}
