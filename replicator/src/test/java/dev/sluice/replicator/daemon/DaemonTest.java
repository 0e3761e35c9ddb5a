package dev.sluice.replicator.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.ReplicatorListener;
import dev.sluice.replicator.Writing;
import dev.sluice.replicator.config.ConfigException;
import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.ConfigurationFile;
import dev.sluice.replicator.config.ConfigurationFile.Variables;
import dev.sluice.replicator.config.Surroundings;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon from its configuration to its databases. */
final class DaemonTest {
  private static final Duration SURELY = Duration.ofSeconds(30);
  private static final Environment KEYS =
      name ->
          Optional.ofNullable(
              Map.of("AWS_ACCESS_KEY_ID", "AKIA0", "AWS_SECRET_ACCESS_KEY", "s").get(name));

  @TempDir Path folder;

  private Daemon daemon(String text) throws ConfigException {
    Configuration configuration =
        ConfigurationFile.parse(
            "litestream.yml",
            text.replace("$F", folder.toString()),
            Variables.LITERAL,
            new Surroundings(KEYS, folder, folder, 1));
    return Daemon.of(configuration, KEYS, new ReplicatorListener() {});
  }

  private Path write(String name, String... statements) throws SQLException {
    Path path = folder.resolve(name);
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
    return path;
  }

  private static String refusal(Daemon daemon) {
    try (daemon) {
      return String.valueOf(assertThrows(IOException.class, daemon::begin).getMessage());
    }
  }

  @Test
  void folderThatIsNotThereIsASlip() throws Exception {
    assertEquals(
        "litestream.yml:1: " + folder + "/no/a.db: there is no folder " + folder + "/no",
        refusal(daemon("dbs: [{path: $F/no/a.db, replica: {path: $F/r}}]")));
  }

  @Test
  void directoryWithoutADatabaseIsNotWaitedForUnlessItIsWatched() throws Exception {
    String text = "dbs: [{dir: $F/no, pattern: '*', replica: {path: $F/r}, watch: %s}]";
    assertEquals(
        "litestream.yml:1: there is no directory " + folder + "/no",
        refusal(daemon(text.formatted("false"))));
    try (Daemon watching = daemon(text.formatted("true"))) {
      watching.begin();
    }
  }

  @Test
  void databaseThatAnotherHasIsRefusedAfterAMoment() throws Exception {
    write("a.db", "CREATE TABLE t(a)");
    String text = "dbs: [{path: $F/a.db, replica: {path: $F/r}}]";
    try (Daemon first = daemon(text)) {
      first.begin();
      first.databases().all().get(0).last().syncAndWait(SURELY);
      assertEquals(
          folder
              + "/a.db: another process replicates this database; only one may do that at a time",
          refusal(daemon(text)));
      write("a.db", "INSERT INTO t VALUES(1)");
      first.databases().all().get(0).last().syncAndWait(SURELY);
    }
  }

  /** One bad entry of a directory says so, and those after it are replicated all the same. */
  @Test
  void entryThatCannotBeUsedIsPassedOver() throws Exception {
    Files.createDirectories(folder.resolve("dbs"));
    try (Daemon daemon =
        daemon("dbs: [{dir: $F/dbs, pattern: '*.db', watch: true, replica: {path: $F/r}}]")) {
      daemon.begin();
      daemon.register(folder.resolve("other.db"), ReplicaUrl.ofDirectory(folder + "/r/a.db"));
      write("dbs/a.db", "CREATE TABLE t(a)");
      Path later = write("dbs/b.db", "CREATE TABLE t(a)");
      long since = System.nanoTime();
      while (daemon.databases().find(later).isEmpty()) {
        assertTrue(System.nanoTime() - since < SURELY.toNanos(), "it is not taken up");
        Thread.onSpinWait();
      }
      daemon.databases().find(later).orElseThrow().last().syncAndWait(SURELY);
      assertTrue(daemon.databases().find(folder.resolve("dbs/a.db")).isEmpty());
    }
  }

  @Test
  void registeredDatabaseHasWhatTheTopLevelSays() throws Exception {
    Path database = write("a.db", "CREATE TABLE t(a)");
    String replica = folder + "/r";
    try (Daemon daemon =
        daemon("lease: true\nlease-ttl: 9m\nsync-interval: 17ms\nspool-limit: 65MiB")) {
      daemon.register(database, ReplicaUrl.ofDirectory(replica));
      ReplicatedDatabase registered = daemon.databases().find(database).orElseThrow().last();
      registered.syncAndWait(SURELY);
      assertTrue(Files.exists(Path.of(replica, "lock.json")), "there is no lease");
      assertEquals(new Writing.Leased(Duration.ofMinutes(9)), registered.settings().writing());
      assertEquals(Duration.ofMillis(17), registered.settings().syncInterval());
      assertEquals(65L << 20, registered.settings().spoolBytesMax());
    }
  }

  @Test
  void twoThatRegisterWithOneReplicaAtOnceAreOne() throws Exception {
    for (int round = 0; round < 10; round++) {
      int number = round;
      try (Daemon daemon = daemon("")) {
        AtomicInteger refused = new AtomicInteger();
        CompletableFuture<?>[] both = new CompletableFuture<?>[2];
        for (int i = 0; i < both.length; i++) {
          Path path = folder.resolve(number + "-" + i + ".db");
          ReplicaUrl replica = ReplicaUrl.ofDirectory(folder + "/r" + number);
          both[i] =
              CompletableFuture.runAsync(() -> daemon.register(path, replica))
                  .exceptionally(
                      failure -> {
                        assertTrue(
                            failure instanceof CompletionException
                                && failure.getCause() instanceof IllegalArgumentException,
                            failure::toString);
                        refused.incrementAndGet();
                        return null;
                      });
        }
        CompletableFuture.allOf(both).get(30, TimeUnit.SECONDS);
        assertEquals(1, refused.get());
        assertEquals(1, daemon.databases().all().size());
      }
    }
  }

  @Test
  void replicaInTheSpoolIsRefused() throws Exception {
    String why =
        "file://"
            + folder
            + "/.a.db-litestream/x is in the spool of "
            + folder
            + "/a.db ("
            + folder
            + "/.a.db-litestream): a replica has a place of its own";
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () -> daemon("dbs: [{path: $F/a.db, replica: {path: $F/.a.db-litestream/x}}]"));
    assertEquals("litestream.yml:1: " + why, refused.getMessage());
    try (Daemon daemon = daemon("")) {
      IllegalArgumentException alsoRefused =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  daemon.register(
                      folder.resolve("a.db"),
                      ReplicaUrl.ofDirectory(folder + "/.a.db-litestream/x")));
      assertEquals(why, alsoRefused.getMessage());
    }
  }

  private String restoringFrom(int port) {
    return ("dbs: [{path: $F/a.db, restore-if-db-not-exists: true,"
            + " replica: {url: 's3://b/db', region: r, endpoint: 'http://127.0.0.1:%d'}}]")
        .formatted(port);
  }

  /** The storage takes the connection, and never answers. */
  @Test
  void restoreThatHangsEndsWithAnInterrupt() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Daemon daemon = daemon(restoringFrom(silent.getLocalPort()))) {
      silent.setSoTimeout((int) SURELY.toMillis());
      CompletableFuture<Void> begun = new CompletableFuture<>();
      Thread beginning =
          new Thread(
              () -> {
                try {
                  daemon.begin();
                  begun.complete(null);
                } catch (IOException | RuntimeException e) {
                  begun.completeExceptionally(e);
                }
              });
      beginning.start();
      try (Socket asked = silent.accept()) {
        assertTrue(asked.isConnected());
        beginning.interrupt();
        ExecutionException ended =
            assertThrows(ExecutionException.class, () -> begun.get(30, TimeUnit.SECONDS));
        assertTrue(ended.getCause() instanceof IOException, ended::toString);
      }
      assertFalse(Files.exists(folder.resolve("a.db")));
    }
  }

  @Test
  void storageThatFailsForAMomentDoesNotEndTheStart() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    byte[] empty =
        "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
            .getBytes(StandardCharsets.UTF_8);
    server.createContext(
        "/",
        exchange -> {
          boolean isAway = asked.incrementAndGet() <= 3;
          exchange.sendResponseHeaders(isAway ? 503 : 200, isAway ? -1 : empty.length);
          if (!isAway) {
            exchange.getResponseBody().write(empty);
          }
          exchange.close();
        });
    server.start();
    try (Daemon daemon = daemon(restoringFrom(server.getAddress().getPort()))) {
      daemon.begin(); // there is nothing to restore
      assertEquals(1, daemon.databases().all().size());
    } finally {
      server.stop(0);
    }
  }
}
