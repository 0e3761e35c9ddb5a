package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What fails beside us, and what becomes of the replica then. */
class ReplicatorTroubleTest {
  private static final Map<String, String> VARIABLES =
      Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);

  @TempDir Path folder;

  private ReplicatedWorld world;

  @BeforeEach
  void begin(@Seeded("sluice.seed") Seed seed) throws Exception {
    world = new ReplicatedWorld(folder, seed);
  }

  @AfterEach
  void end() throws SQLException {
    world.close();
  }

  private static long cpuMillis() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long nanos = 0;
    for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null && thread.getThreadName().startsWith("sluice-")) {
        nanos += Math.max(0, threads.getThreadCpuTime(thread.getThreadId()));
      }
    }
    return TimeUnit.NANOSECONDS.toMillis(nanos);
  }

  @Test
  void databaseThatCannotBeCapturedIsNotSaidToBeShipped() throws Exception {
    Path database = folder.resolve("exclusive.db");
    try (Connection exclusive = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = exclusive.createStatement();
        Replicator replicator = Replicator.builder().start()) {
      statement.execute("PRAGMA locking_mode=EXCLUSIVE");
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(id)");
      ReplicatedDatabase replicated =
          replicator.add(
              DatabaseSettings.of(database),
              ReplicaUrl.ofDirectory(folder.resolve("exclusive").toString()));
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (replicated.status().trouble().isEmpty()) {
        assertTrue(System.nanoTime() < endNanos, () -> String.valueOf(replicated.status()));
        Thread.onSpinWait();
      }
      replicated.end(Duration.ofSeconds(1)).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertTrue(replicated.unshipped().isPresent(), () -> String.valueOf(replicated.status()));
    }
  }

  @Test
  void whoWroteTheSameTxidWhileWeWereAwayIsNoticedAndNotOverwritten() throws Exception {
    world.application.commit();
    world.sync();
    Path ours = world.replica;
    Path aside = folder.resolve("aside");
    Files.move(ours, aside); // the storage is away while we cut the next TXID
    Files.writeString(ours, "no directory");
    world.application.commit();
    try (Replicator replicator = Replicator.builder().endLimit(Duration.ofSeconds(2)).start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      assertThrows(IOException.class, () -> replicated.syncAndWait(Duration.ofSeconds(2)));
      replicated.end(Duration.ofSeconds(1)).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      String trouble = replicated.status().trouble().orElse("");
      assertTrue(trouble.contains(" bytes are not shipped: "), trouble);
    }
    Files.delete(ours);
    Files.move(aside, ours);
    Path other = folder.resolve("other.db");
    try (NumberedApplication second = new NumberedApplication(other, 7);
        Replicator replicator = Replicator.builder().start()) {
      second.commit();
      replicator.add(other, world.url).syncAndWait(SURELY); // another writer's TXID 2
    }
    List<Txid> before = world.txids();
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      IOException refused = assertThrows(IOException.class, () -> replicated.syncAndWait(SURELY));
      assertTrue(String.valueOf(refused.getMessage()).contains("somebody else"), refused::toString);
      assertEquals(DatabaseStatus.Phase.STOPPED, replicated.status().phase());
    }
    assertEquals(before, world.txids());
  }

  @Test
  void cutThatTheDiskDoesNotTakeIsTriedAgainWithoutAGapInTheCapture() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      replicated.syncAndWait(SURELY);
      long repairs = replicated.figures().repairs();
      Path cuts = replicated.settings().metaPath().resolve("ltx/0");
      Path aside = folder.resolve("aside");
      Files.move(cuts, aside);
      world.application.commit();
      CompletableFuture<Txid> synced = replicated.sync();
      while (replicated.status().trouble().isEmpty()) {
        Thread.onSpinWait();
      }
      Files.move(aside, cuts);
      assertEquals(Txid.FIRST.next(), synced.get(SURELY.toSeconds(), TimeUnit.SECONDS));
      assertEquals(repairs, replicated.figures().repairs());
    }
    world.requireAll();
  }

  @Test
  void endDoesNotWaitForAStorageThatIsAway() throws Exception {
    Path ours = world.replica;
    Files.delete(ours);
    Files.writeString(ours, "no directory");
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      replicated.end(Duration.ZERO).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertEquals(DatabaseStatus.Phase.STOPPED, replicated.status().phase());
    }
  }

  @Test
  void databaseThatIsLockedCostsLittleThoughASyncWaits() throws Exception {
    world.application.execute("PRAGMA locking_mode=EXCLUSIVE");
    world.application.commit();
    try (Replicator replicator = Replicator.builder().endLimit(Duration.ofSeconds(1)).start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      CompletableFuture<Txid> synced = replicated.sync();
      assertThrows(IOException.class, () -> replicated.syncAndWait(Duration.ofSeconds(1)));
      long before = cpuMillis();
      assertThrows(TimeoutException.class, () -> synced.get(2, TimeUnit.SECONDS));
      long millis = cpuMillis() - before;
      assertTrue(millis < 1000, () -> millis + " ms of two seconds");
    }
  }

  private DatabaseSettings compactedOften() {
    List<Duration> often = List.of(Duration.ofMillis(200));
    Duration never = Duration.ofDays(1);
    return DatabaseSettings.of(world.database)
        .withLevels(new LevelSettings(often, never, never, never, true));
  }

  @Test
  void databaseThatWasLetGoOfBesideAnUploadThatHangsIsTakenUpAgain() throws Exception {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint())) {
      ReplicaUrl hanging = ReplicaUrl.parse("s3://" + bucket + "/app?endpoint=" + proxy.endpoint());
      try (Replicator replicator =
          Replicator.builder()
              .environment(name -> Optional.ofNullable(VARIABLES.get(name)))
              .endLimit(Duration.ofSeconds(1))
              .start()) {
        ReplicatedDatabase replicated = replicator.add(world.database, hanging);
        replicated.syncAndWait(SURELY);
        proxy.inject(request -> request.method().equals("PUT"), new Fault.Hang());
        world.application.commit();
        CompletableFuture<Txid> unused = replicated.sync();
        while (replicated.status().waitingBytes() == 0) {
          Thread.onSpinWait();
        }
      }
    }
    ReplicaUrl straight = ReplicaUrl.parse("s3://" + bucket + "/app?endpoint=" + server.endpoint());
    try (Replicator replicator =
        Replicator.builder()
            .environment(name -> Optional.ofNullable(VARIABLES.get(name)))
            .start()) {
      assertEquals(Txid.FIRST.next(), replicator.add(world.database, straight).syncAndWait(SURELY));
    }
  }

  private void commitUntil(BooleanSupplier isSo, ReplicatedDatabase replicated) throws Exception {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (!isSo.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNanos, () -> replicated.status().toString());
      world.application.commit();
      Txid unused = replicated.syncAndWait(SURELY);
    }
  }

  private static void requireEndWithoutTrouble(ReplicatedDatabase replicated) throws Exception {
    replicated.end(SURELY).get(SURELY.toSeconds(), TimeUnit.SECONDS);
    assertEquals(Optional.empty(), replicated.status().trouble());
    assertEquals(replicated.status().cut(), replicated.status().uploaded());
  }

  @Test
  void levelsThatCannotBeKeptAreNoTroubleOfOneThatHasEnded() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(compactedOften(), world.url);
      assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      Files.writeString(world.replica.resolve("ltx").resolve("1"), "no directory");
      commitUntil(() -> replicated.status().trouble().isPresent(), replicated);
      requireEndWithoutTrouble(replicated);
    }
  }

  @Test
  void compactionThatAnEndCutsShortIsNoTrouble() throws Exception {
    S3Server server = S3Server.shared();
    AtomicBoolean isHanging = new AtomicBoolean();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        Replicator replicator =
            Replicator.builder()
                .environment(name -> Optional.ofNullable(VARIABLES.get(name)))
                .start()) {
      proxy.inject(
          request -> {
            boolean isCompacted =
                request.method().equals("PUT") && request.path().contains("/0001/");
            isHanging.compareAndSet(false, isCompacted);
            return isCompacted;
          },
          new Fault.Hang());
      String url = "s3://" + server.createBucket() + "/app?endpoint=" + proxy.endpoint();
      ReplicatedDatabase replicated = replicator.add(compactedOften(), ReplicaUrl.parse(url));
      commitUntil(isHanging::get, replicated);
      requireEndWithoutTrouble(replicated);
    }
  }
}
