package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HydrationTest {
  @TempDir Path dir;

  static List<Golden> goldens() {
    return Golden.all();
  }

  private ReplicaOptions options(Path replica) {
    return TestReplicas.options(replica)
        .withCacheDirectory(dir.resolve("cache"))
        .withPollInterval(Duration.ofMillis(20))
        .withStore(StoreOptions.DEFAULT.hydrated(true));
  }

  private byte[] image(Path replica, Txid txid) throws IOException {
    Path out = Files.createTempDirectory(dir, "image").resolve("db");
    try (ReplicaClient client =
            ReplicaClients.open(
                ReplicaUrl.ofDirectory(replica.toString()), name -> Optional.empty());
        Restorer restorer = new Restorer(client, new RequestMeter(), Duration.ofSeconds(20))) {
      restorer.restore(
          new Target.AtTxid(txid), out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
    }
    return Files.readAllBytes(out);
  }

  private static void awaitHydrated(Replica replica) {
    TestReplicas.await(() -> replica.hydrationPercent() == 100);
  }

  private static byte[] stored(Replica replica, View view) throws IOException {
    byte[] bytes = new byte[(int) (view.commit() * view.pageSize())];
    try (RandomAccessFile file =
        new RandomAccessFile(replica.hydrationFile().orElseThrow().toFile(), "r")) {
      file.readFully(bytes);
    }
    return bytes;
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void hydratedFileIsTheDatabase(Golden golden) throws IOException {
    Path path = golden.copyTo(dir.resolve("replica"));
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options(path));
      View view = replica.latest();
      awaitHydrated(replica);
      assertArrayEquals(image(path, view.txid()), stored(replica, view), golden.name());
    }
  }

  @Test
  void secondOpenOfAHydratedStoreMakesNoPageRequest() throws Exception {
    Path path = Golden.named("wal-65536").copyTo(dir.resolve("replica"));
    byte[] expected;
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options(path));
      expected = image(path, replica.latest().txid());
      awaitHydrated(replica);
      replicas.release(replica);
      assertTrue(replica.ended().get());
    }
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options(path));
      View view = replica.latest();
      RequestMeter.Snapshot opened = replica.requests();
      awaitHydrated(replica);
      for (long pgno = 1; pgno <= view.commit(); pgno++) {
        byte[] page = TestReplicas.page(replica, view, pgno);
        int from = (int) (pgno - 1) * view.pageSize();
        assertArrayEquals(Arrays.copyOfRange(expected, from, from + view.pageSize()), page);
      }
      assertEquals(opened.gets(), replica.requests().gets());
    }
  }

  /** Looks while everything changes, and when it has come to rest. */
  @Test
  void hydrationKeepsUpWithGrowthAndShrink(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    ReplicaOptions options =
        FollowedWorld.options(dir.resolve("cache")).withStore(StoreOptions.DEFAULT.hydrated(true));
    try (FollowedWorld world = new FollowedWorld(random.nextLong(), options, new SourceRule())) {
      world.primary().commit(60, TestPrimary.all(60));
      world.open();
      for (int i = 0; i < 150; i++) {
        world.primary().commitAnything(random, 60);
        if (random.nextInt(12) == 0) {
          world.primary().snapshot();
        }
        if (random.nextInt(3) == 0) {
          world.pollAfter(Duration.ofSeconds(1));
          world.requireAllPages(world.latest());
        }
        if (random.nextInt(10) == 0) {
          requireHydrated(world);
        }
      }
      requireHydrated(world);
    }
  }

  private static void requireHydrated(FollowedWorld world) throws IOException {
    world.pollAfter(Duration.ofSeconds(1));
    View view = world.latest();
    awaitHydrated(world.replica());
    byte[] stored = stored(world.replica(), view);
    for (long pgno = 1; pgno <= view.commit(); pgno++) {
      int from = (int) (pgno - 1) * view.pageSize();
      byte[] page = Arrays.copyOfRange(stored, from, from + view.pageSize());
      world.requirePage(view, pgno, page);
    }
  }
}
