package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.spool.SpoolStep;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a replicator lets go of when it is closed, whatever its jobs do. */
final class ReplicatorCloseTest {
  private static final Map<String, String> VARIABLES =
      Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);

  @TempDir Path folder;

  /** Says when it is asked for its place, and counts how often it is closed. */
  private static final class WatchedClient extends ForwardingReplicaClient {
    private final AtomicInteger closed = new AtomicInteger();
    private final AtomicBoolean wasInterrupted = new AtomicBoolean();
    private final Runnable asked;

    WatchedClient(ReplicaClient inner, Runnable asked) {
      super(inner);
      this.asked = asked;
    }

    @Override
    public String location() {
      asked.run();
      return inner.location();
    }

    @Override
    public void close() {
      closed.incrementAndGet();
      wasInterrupted.compareAndSet(false, Thread.currentThread().isInterrupted());
      inner.close();
    }
  }

  private WatchedClient client(String name) throws IOException {
    return client(name, () -> {});
  }

  private WatchedClient client(String name, Runnable asked) throws IOException {
    Path directory = Files.createDirectories(folder.resolve("replica-" + name));
    ReplicaUrl url = ReplicaUrl.ofDirectory(directory.toString());
    return new WatchedClient(ReplicaClients.open(url, Environment.ofProcess()), asked);
  }

  private NumberedApplication application(Path database) throws SQLException {
    return new NumberedApplication(database, 1);
  }

  private static Set<Thread> threads(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(name))
        .collect(Collectors.toSet());
  }

  private static void join(Set<Thread> threads) throws InterruptedException {
    for (Thread thread : threads) {
      thread.join(SURELY.toMillis());
      assertFalse(thread.isAlive(), thread::getName);
    }
  }

  private static void await(BooleanSupplier isSo) {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (!isSo.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNanos, "in vain");
      Thread.onSpinWait();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(SURELY.toSeconds(), TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void requireFree(DatabaseSettings settings) throws IOException {
    SpoolSetup setup = new SpoolSetup(InstantSource.system(), step -> {});
    Spool.open(settings.metaPath(), setup).close();
  }

  @Test
  void firstImageThatIsBeingWrittenAtTheEndIsLetGoOfWhenItIs() throws Exception {
    Path database = folder.resolve("a.db");
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Consumer<Enum<?>> steps =
        step -> {
          if (step == SpoolStep.CUT_WRITTEN) {
            writing.countDown();
            await(goOn);
          }
        };
    Set<Thread> others = threads("sluice-");
    WatchedClient client = client("a");
    try (NumberedApplication application = application(database)) {
      application.commit();
      Replicator replicator =
          Replicator.builder().endLimit(Duration.ofMillis(200)).steps(steps).start();
      ReplicatedDatabase replicated = replicator.add(DatabaseSettings.of(database), client);
      await(writing);
      Set<Thread> capturing = threads("sluice-capture");
      Set<Thread> attaching = threads("sluice-attach");
      capturing.removeAll(others);
      attaching.removeAll(others);
      CompletableFuture<Void> closed = CompletableFuture.runAsync(replicator::close);
      join(capturing); // and nothing is stepped any more
      goOn.countDown();
      closed.get(SURELY.toSeconds(), TimeUnit.SECONDS);
      join(attaching);
      application.commit();
      application.requireTruncated();
      requireFree(replicated.settings());
      assertEquals(1, client.closed.get());
    }
  }

  @Test
  void databaseWhoseLettingGoWaitsForAThreadIsLetGoOf() throws Exception {
    AtomicBoolean isBlocking = new AtomicBoolean();
    CountDownLatch blocked = new CountDownLatch(4);
    CountDownLatch goOn = new CountDownLatch(1);
    Consumer<Enum<?>> steps =
        step -> {
          if (step == SpoolStep.CUT_CREATED && isBlocking.get()) {
            blocked.countDown();
            await(goOn);
          }
        };
    List<NumberedApplication> applications = new ArrayList<>();
    List<ReplicatedDatabase> databases = new ArrayList<>();
    try (Replicator replicator = Replicator.builder().steps(steps).start()) {
      for (int i = 0; i < 5; i++) {
        Path database = folder.resolve(i + ".db");
        applications.add(application(database));
        databases.add(replicator.add(DatabaseSettings.of(database), client("" + i)));
        databases.get(i).syncAndWait(SURELY);
      }
      isBlocking.set(true);
      for (int i = 0; i < 4; i++) {
        applications.get(i).commit();
        var unused = databases.get(i).sync();
      }
      await(blocked);
      ReplicatedDatabase fifth = databases.get(4);
      var unused = fifth.end(Duration.ZERO);
      while (fifth.status().phase() != Phase.STOPPED) {
        Thread.onSpinWait();
      }
      fifth.abandon();
      goOn.countDown();
    } finally {
      for (NumberedApplication application : applications) {
        application.close();
      }
    }
    for (ReplicatedDatabase database : databases) {
      requireFree(database.settings());
    }
  }

  /** It is open, and has not been begun to be captured. */
  @Test
  void databaseThatWaitsBehindTheImagesOfOthersEndsWithinItsLimit() throws Exception {
    CountDownLatch blocked = new CountDownLatch(4);
    CountDownLatch goOn = new CountDownLatch(1);
    Consumer<Enum<?>> steps =
        step -> {
          if (step == SpoolStep.CUT_WRITTEN) {
            blocked.countDown();
            await(goOn);
          }
        };
    Path last = folder.resolve("last.db");
    List<NumberedApplication> applications = new ArrayList<>();
    List<ReplicatedDatabase> databases = new ArrayList<>();
    try (Replicator replicator = Replicator.builder().steps(steps).start();
        Connection owner = DriverManager.getConnection("jdbc:sqlite:" + last);
        Statement statement = owner.createStatement()) {
      statement.execute("CREATE TABLE t (x)");
      statement.execute("BEGIN EXCLUSIVE");
      ReplicatedDatabase fifth = replicator.add(DatabaseSettings.of(last), client("last"));
      await(() -> fifth.status().trouble().isPresent());
      for (int i = 0; i < 4; i++) {
        Path database = folder.resolve(i + ".db");
        applications.add(application(database));
        databases.add(replicator.add(DatabaseSettings.of(database), client("" + i)));
      }
      await(blocked);
      statement.execute("COMMIT");
      await(() -> fifth.status().phase() == Phase.OPENING);
      fifth.end(Duration.ofMillis(500)).get(SURELY.toSeconds() / 3, TimeUnit.SECONDS);
      assertEquals(Phase.OPENING, databases.get(0).status().phase());
      requireFree(fifth.settings());
      goOn.countDown();
      for (ReplicatedDatabase database : databases) {
        database.syncAndWait(SURELY);
      }
    } finally {
      goOn.countDown();
      for (NumberedApplication application : applications) {
        application.close();
      }
    }
  }

  @Test
  void databaseThatNobodyHasToldToEndIsLetGoOfWithItsClient() throws Exception {
    Path database = folder.resolve("a.db");
    WatchedClient client = client("a");
    Replicator replicator = Replicator.builder().start();
    try (NumberedApplication application = application(database)) {
      ReplicatedDatabase replicated = replicator.add(DatabaseSettings.of(database), client);
      replicated.syncAndWait(SURELY);
      replicated.abandon();
      replicator.close();
      requireFree(replicated.settings());
      assertEquals(1, client.closed.get());
      application.commit();
      application.requireTruncated();
    }
  }

  @Test
  void allClientsOfAStorageThatHangsAreClosed() throws Exception {
    S3Server server = S3Server.shared();
    List<WatchedClient> clients = new ArrayList<>();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint())) {
      String bucket = server.createBucket();
      CountDownLatch hanging = new CountDownLatch(8);
      proxy.inject(
          request -> {
            hanging.countDown();
            return true;
          },
          new Fault.Hang());
      Replicator replicator = Replicator.builder().endLimit(Duration.ZERO).start();
      for (int i = 0; i < 12; i++) {
        Path database = folder.resolve(i + ".db");
        application(database).close();
        String url = "s3://" + bucket + "/" + i + "?endpoint=" + proxy.endpoint();
        Environment environment = name -> Optional.ofNullable(VARIABLES.get(name));
        ReplicaClient inner = ReplicaClients.open(ReplicaUrl.parse(url), environment);
        clients.add(new WatchedClient(inner, () -> {}));
        DatabaseSettings settings =
            DatabaseSettings.of(database).withWriting(new Writing.Leased(Duration.ofMinutes(1)));
        ReplicatedDatabase unused = replicator.add(settings, clients.get(i));
      }
      await(hanging);
      replicator.close();
      for (WatchedClient client : clients) {
        assertEquals(1, client.closed.get());
      }
    }
  }

  @Test
  void clientIsEndedWholeByAThreadThatIsToMakeHaste() throws Exception {
    DatabaseSettings settings = DatabaseSettings.of(folder.resolve("a.db"));
    WatchedClient client = client("a");
    RemoteReplica replica = new RemoteReplica(settings, client, step -> {});
    Thread.currentThread().interrupt();
    replica.close();
    assertTrue(Thread.interrupted());
    assertEquals(1, client.closed.get());
    assertFalse(client.wasInterrupted.get());
  }

  @Test
  void endOfADatabaseWithoutAByteDoesNotWaitForItsFirstCommit() throws Exception {
    Path database = Files.createFile(folder.resolve("a.db"));
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated =
          replicator.add(DatabaseSettings.of(database), client("empty"));
      replicated.end(Duration.ofHours(1)).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertEquals(Optional.empty(), replicated.status().trouble());
    }
  }

  @Test
  void whoAsksForSomethingAfterTheEndIsToldSo() throws Exception {
    Path database = folder.resolve("a.db");
    try (NumberedApplication application = application(database)) {
      application.commit();
      ReplicatedDatabase replicated;
      try (Replicator replicator = Replicator.builder().start()) {
        replicated = replicator.add(DatabaseSettings.of(database), client("a"));
        assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      }
      requireFails(replicated.sync());
      requireFails(replicated.snapshot());
    }
  }

  private static void requireFails(CompletableFuture<?> asked) {
    ExecutionException failure =
        assertThrows(
            ExecutionException.class, () -> asked.get(SURELY.toSeconds(), TimeUnit.SECONDS));
    IOException why = assertInstanceOf(IOException.class, failure.getCause());
    assertTrue(String.valueOf(why.getMessage()).contains("not replicated any more"), why::toString);
  }

  @Test
  void databaseThatComesWhileTheReplicatorIsClosedIsRefused() throws Exception {
    Path database = folder.resolve("a.db");
    Replicator replicator = Replicator.builder().endLimit(Duration.ZERO).start();
    WatchedClient client = client("a", replicator::close);
    assertThrows(
        IllegalStateException.class, () -> replicator.add(DatabaseSettings.of(database), client));
    assertEquals(1, client.closed.get());
    assertEquals(List.of(), List.copyOf(replicator.databases()));
  }
}
