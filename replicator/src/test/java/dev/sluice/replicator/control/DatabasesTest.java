package dev.sluice.replicator.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.FolderAway;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.control.Databases.Done;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a daemon keeps in mind of its databases. */
final class DatabasesTest {
  private static final Duration SURELY = Duration.ofSeconds(30);

  @TempDir Path folder;

  private final Replicator replicator = Replicator.builder().start();
  private final Databases databases = new Databases();

  @AfterEach
  void close() {
    replicator.close();
  }

  private Registered register(String name, String place) {
    DatabaseSettings settings = DatabaseSettings.of(folder.resolve(name));
    ReplicaUrl replica = ReplicaUrl.ofDirectory(folder.resolve(name + "-replica").toString());
    return databases.register(
        settings, "s3://bucket/db", place, () -> replicator.add(settings, replica));
  }

  @Test
  void placesAreComparedNotNames() {
    Registered one = register("1.db", "s3://bucket/db http://one");
    Registered two = register("2.db", "s3://bucket/db http://two");
    assertEquals(List.of(one, two), databases.all());
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class, () -> register("3.db", "s3://bucket/db http://one"));
    assertEquals(
        "s3://bucket/db is the replica of " + one.path() + " already", refused.getMessage());
  }

  @Test
  void databaseThatIsForgottenIsNotStartedAfterwards() throws Exception {
    Registered one = register("1.db", "place");
    stop(one.path(), SURELY).get(30, TimeUnit.SECONDS);
    CompletableFuture<Done> forgotten = databases.unregister(one.path(), SURELY).orElseThrow();
    assertEquals(Optional.empty(), databases.start(one.path()));
    forgotten.get(30, TimeUnit.SECONDS);
    assertEquals(List.of(), databases.all());
    assertEquals(0, replicator.databases().size());
  }

  private CompletableFuture<Done> stop(Path database, Duration limit) {
    return databases.stop(database, limit).orElseThrow();
  }

  private void write(String sql) throws SQLException {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("1.db"));
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute(sql);
    }
  }

  private Path replica() {
    return folder.resolve("1.db-replica");
  }

  /** Has a commit that its replica, which is away now, lacks. */
  private FolderAway behind() throws Exception {
    write("CREATE TABLE t(a)");
    Registered one = register("1.db", "place");
    assertEquals(new Txid(1), one.last().syncAndWait(SURELY));
    FolderAway away = FolderAway.take(replica());
    write("INSERT INTO t VALUES(1)");
    return away;
  }

  private Path database() {
    return databases.all().get(0).path();
  }

  private boolean isSecondCommitShipped() {
    return Files.exists(replica().resolve("ltx/0/0000000000000002-0000000000000002.ltx"));
  }

  private static void assertTooLate(CompletableFuture<Done> asked) {
    ExecutionException late =
        assertThrows(ExecutionException.class, () -> asked.get(30, TimeUnit.SECONDS));
    assertInstanceOf(TimeoutException.class, late.getCause());
  }

  @Test
  void nobodyTakesTimeFromAnEndThatSomebodyWaitsFor() throws Exception {
    FolderAway away = behind();
    Path database = database();
    CompletableFuture<Done> first = stop(database, SURELY);
    CompletableFuture<Done> started = databases.start(database).orElseThrow();
    assertTooLate(stop(database, Duration.ofMillis(50)));
    CompletableFuture<Done> second = stop(database, SURELY);
    assertFalse(first.isDone() || second.isDone() || started.isDone());
    away.bringBack();
    assertTrue(first.get(30, TimeUnit.SECONDS).isNew());
    assertTrue(isSecondCommitShipped());
    assertFalse(second.get(30, TimeUnit.SECONDS).isNew());
    assertTrue(started.get(30, TimeUnit.SECONDS).isNew());
    Registered now = databases.find(database).orElseThrow();
    assertTrue(now.isOpen());
    assertEquals(new Txid(2), now.last().syncAndWait(SURELY));
  }

  @Test
  void oneThatIsForgottenWhileItShipsHasItsTime() throws Exception {
    FolderAway away = behind();
    Path database = database();
    CompletableFuture<Done> first = stop(database, SURELY);
    CompletableFuture<Done> started = databases.start(database).orElseThrow();
    assertTooLate(databases.unregister(database, Duration.ofMillis(50)).orElseThrow());
    assertEquals(List.of(), databases.all());
    assertFalse(first.isDone());
    away.bringBack();
    assertTrue(first.get(30, TimeUnit.SECONDS).isNew());
    assertTrue(isSecondCommitShipped());
    ExecutionException refused =
        assertThrows(ExecutionException.class, () -> started.get(30, TimeUnit.SECONDS));
    Throwable why = Objects.requireNonNull(refused.getCause());
    assertEquals("it was unregistered meanwhile", why.getMessage());
    assertEquals(0, replicator.databases().size());
  }

  /** Has a stopped database begun, and something else asked for just then. */
  private CompletableFuture<Done> askedWhileItIsBegun(
      Function<Path, Optional<CompletableFuture<Done>>> question) throws Exception {
    DatabaseSettings settings = DatabaseSettings.of(folder.resolve("1.db"));
    ReplicaUrl replica = ReplicaUrl.ofDirectory(replica().toString());
    CompletableFuture<CompletableFuture<Done>> asked = new CompletableFuture<>();
    Thread asking =
        new Thread(() -> asked.complete(question.apply(settings.path()).orElseThrow()), "asking");
    AtomicInteger count = new AtomicInteger();
    Registered unused =
        databases.register(
            settings,
            "replica",
            "place",
            () -> {
              if (count.incrementAndGet() == 2) {
                asking.start();
                awaitBlocked(asking);
              }
              return replicator.add(settings, replica);
            });
    stop(settings.path(), SURELY).get(30, TimeUnit.SECONDS);
    CompletableFuture<Done> started = databases.start(settings.path()).orElseThrow();
    assertTrue(started.get(30, TimeUnit.SECONDS).isNew());
    return asked.get(30, TimeUnit.SECONDS);
  }

  private static void awaitBlocked(Thread thread) {
    long since = System.nanoTime();
    while (thread.getState() != Thread.State.BLOCKED) {
      assertTrue(System.nanoTime() - since < SURELY.toNanos(), () -> "it is " + thread.getState());
      Thread.onSpinWait();
    }
  }

  @Test
  void databaseThatIsBegunJustThenIsForgotten() throws Exception {
    Done done =
        askedWhileItIsBegun(path -> databases.unregister(path, SURELY)).get(30, TimeUnit.SECONDS);
    assertTrue(done.isNew());
    assertEquals(List.of(), databases.all());
    assertEquals(0, replicator.databases().size());
  }

  @Test
  void databaseThatIsBegunJustThenIsStopped() throws Exception {
    Done done = askedWhileItIsBegun(path -> databases.stop(path, SURELY)).get(30, TimeUnit.SECONDS);
    assertTrue(done.isNew());
    assertTrue(databases.all().get(0).isStopped());
    assertEquals(0, replicator.databases().size());
  }
}
