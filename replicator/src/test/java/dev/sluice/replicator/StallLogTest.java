package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is logged of a database that cannot go on. */
final class StallLogTest {
  private static final Duration SURELY = Duration.ofSeconds(30);

  @TempDir Path folder;

  private final LoggedLines lines = new LoggedLines();

  @AfterEach
  void leave() {
    lines.close();
  }

  private void write(Path database, String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute(sql);
    }
  }

  private List<String> stalls() {
    return lines.all().stream().filter(line -> line.contains(" waits: ")).toList();
  }

  @Test
  void storageThatIsAwayIsToldOfOnceHoweverOftenItIsTried() throws Exception {
    Path database = folder.resolve("app.db");
    write(database, "CREATE TABLE t(a)");
    Path replica = Files.createDirectory(folder.resolve("replica"));
    try (Replicator replicator = Replicator.builder().endLimit(SURELY).start()) {
      ReplicatedDatabase app = replicator.add(database, ReplicaUrl.ofDirectory(replica.toString()));
      app.syncAndWait(SURELY);
      FolderAway away = FolderAway.take(replica);
      write(database, "INSERT INTO t VALUES(1)");
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (app.figures().requests().failures() < 4 && System.nanoTime() < endNanos) {
        Thread.onSpinWait();
      }
      assertTrue(app.figures().requests().failures() >= 4);
      assertEquals(1, stalls().size(), () -> lines.all().toString());
      assertTrue(stalls().get(0).startsWith("WARN " + database + " waits: create file://"));
      away.bringBack();
      app.syncAndWait(SURELY);
    }
    assertEquals(1, stalls().size(), () -> lines.all().toString());
    assertTrue(lines.all().contains("INFO " + database + " goes on"), () -> lines.all().toString());
  }

  private static void awaitSeen(Set<String> texts, int count) {
    long endNanos = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    while (texts.size() < count && System.nanoTime() < endNanos) {
      Thread.onSpinWait();
    }
  }

  /** What a network says of its failure is another thing at each attempt. */
  @Test
  void storageThatFailsInManyWaysIsToldOfOnceAndAgainWhenItRefuses() throws Exception {
    Path database = folder.resolve("app.db");
    write(database, "CREATE TABLE t(a)");
    try (ProxiedReplica replica = new ProxiedReplica();
        Replicator replicator = ProxiedReplica.replicators().endLimit(SURELY).start()) {
      ReplicatedDatabase app = replicator.add(database, replica.url);
      app.syncAndWait(SURELY);
      List<Fault> faults =
          List.of(
              new Fault.Status(500, "InternalError"),
              new Fault.Status(503, "SlowDown"),
              new Fault.Status(502, "BadGateway"),
              new Fault.Status(403, "AccessDenied"));
      AtomicInteger count = new AtomicInteger();
      Set<String> texts = ConcurrentHashMap.newKeySet();
      replica.proxy.inject(
          request -> {
            if (!request.method().equals("PUT") || !request.path().contains("/0000/")) {
              return Optional.empty();
            }
            int number = Math.min(count.getAndIncrement(), faults.size() - 1);
            awaitSeen(texts, number); // each is said before the next one comes
            return Optional.of(faults.get(number));
          });
      write(database, "INSERT INTO t VALUES(1)");
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (stalls().size() < 2) {
        assertTrue(System.nanoTime() < endNanos, () -> texts + " " + lines.all());
        app.status().trouble().ifPresent(texts::add);
        Thread.onSpinWait();
      }
      assertTrue(texts.size() >= 3, texts::toString);
      assertTrue(stalls().get(1).contains("AccessDenied"), () -> stalls().toString());
      assertEquals(2, app.figures().troubles());
      replica.proxy.heal();
      app.syncAndWait(SURELY);
      assertEquals(2, app.figures().troubles());
    }
    assertEquals(2, lines.of(Level.WARN).size(), () -> lines.all().toString());
    String over = "INFO " + database + " goes on";
    assertEquals(List.of(over), lines.all().stream().filter(over::equals).toList());
  }

  @Test
  void fileThatIsNoDatabaseIsToldOfOnceThoughItIsGivenUp() throws Exception {
    Path database = folder.resolve("app.db");
    Files.write(database, new byte[8192]);
    Path replica = Files.createDirectory(folder.resolve("replica"));
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase app = replicator.add(database, ReplicaUrl.ofDirectory(replica.toString()));
      assertThrows(IOException.class, () -> app.syncAndWait(SURELY));
      assertEquals(DatabaseStatus.Phase.STOPPED, app.status().phase());
      assertTrue(app.status().trouble().orElse("").contains("not a SQLite database"));
      assertEquals(1, app.figures().troubles());
    }
    assertEquals(1, lines.of(Level.WARN).size(), () -> lines.all().toString());
  }
}
