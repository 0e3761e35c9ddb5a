package dev.sluice.replicator.control;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** A daemon in this process: its replicator, its control socket, and databases in a folder. */
public final class TestDaemon implements AutoCloseable {
  static final Duration SURELY = Duration.ofSeconds(30);

  /** No window ends while a test runs: what is uploaded is what is cut. */
  private static final LevelSettings LEVELS =
      new LevelSettings(
          List.of(Duration.ofDays(3650)),
          Duration.ofDays(3650),
          Duration.ofDays(1),
          Duration.ofDays(1),
          true);

  private final Path folder;
  private final Replicator replicator =
      Replicator.builder().endLimit(Duration.ofSeconds(5)).start();
  private final Databases databases = new Databases();
  private final AtomicInteger requests = new AtomicInteger();
  private final HttpServer server = new HttpServer(HttpLimits.STANDARD);

  /** Listens on {@code folder/control.sock}. */
  public TestDaemon(Path folder) throws IOException {
    this.folder = folder;
    ControlApi api = new ControlApi(databases, this::register, "1.2.3", InstantSource.system());
    HttpHandler handler = api.handler();
    HttpHandler counting =
        call -> {
          CompletableFuture<HttpReply> answer = handler.answer(call);
          requests.incrementAndGet();
          return answer;
        };
    ControlSocket.listen(server, socket(), ControlSocket.DEFAULT_MODE, counting);
  }

  public Path socket() {
    return folder.resolve("control.sock");
  }

  /** Returns how many requests have been taken on; their answers may be still to come. */
  int requestCount() {
    return requests.get();
  }

  ControlClient client() {
    return new ControlClient(socket(), SURELY);
  }

  public Databases databases() {
    return databases;
  }

  /** Returns the path of a database, which need not be there. */
  public Path path(String name) {
    return folder.resolve(name);
  }

  /** Returns a database's replica, a folder. */
  public ReplicaUrl replica(String name) throws IOException {
    Path directory = Files.createDirectories(folder.resolve(name + "-replica"));
    return ReplicaUrl.ofDirectory(directory.toString());
  }

  /** Makes a database with one table, and replicates it. */
  public Databases.Registered replicate(String name) throws IOException, SQLException {
    write(name, "CREATE TABLE t(a)");
    return register(path(name), replica(name));
  }

  /** Replicates a database, which need not be there. */
  public Databases.Registered register(Path database, ReplicaUrl replica) {
    DatabaseSettings settings = DatabaseSettings.of(database).withLevels(LEVELS);
    return databases.register(
        settings, replica.location(), replica.location(), () -> replicator.add(settings, replica));
  }

  /** Commits one transaction of an application. */
  public void write(String name, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path(name));
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute(sql);
    }
  }

  @Override
  public void close() {
    server.close();
    replicator.close();
  }
}
