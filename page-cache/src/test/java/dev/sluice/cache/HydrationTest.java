package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HydrationTest {
  @TempDir Path dir;

  private final List<Replica> opened = new ArrayList<>();

  /** Until then something may still be written. */
  @AfterEach
  void awaitEnds() {
    opened.forEach(replica -> replica.ended().join());
  }

  private Replica open(Replicas replicas, ReplicaOptions options) throws IOException {
    Replica replica = replicas.acquire(options);
    opened.add(replica);
    return replica;
  }

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
      Replica replica = open(replicas, options(path));
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
      Replica replica = open(replicas, options(path));
      expected = image(path, replica.latest().txid());
      awaitHydrated(replica);
      replicas.release(replica);
      assertTrue(replica.ended().get());
    }
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = open(replicas, options(path));
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

  /** A bit of a large file is wrong; transactions come all the time. */
  @Test
  void damagedFileIsNotReadAgainWithEachTransaction() throws Exception {
    Path path = Golden.named("rand-4096").copyTo(dir.resolve("replica"));
    Replicas replicas = TestReplicas.replicas();
    Replica first = open(replicas, options(path));
    View view = first.latest();
    LtxFile largest =
        first.listedFiles().stream().max(Comparator.comparing(LtxFile::size)).orElseThrow();
    replicas.close();
    Path file =
        TestReplicas.file(
            path,
            largest.name().level(),
            largest.name().range().min().value(),
            largest.name().range().max().value());
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    try (Replicas again = TestReplicas.replicas()) {
      Replica replica = open(again, options(path).withCacheDirectory(dir.resolve("other")));
      replica.latest();
      TestReplicas.await(() -> replica.requests().bytes() > largest.size());
      long received = replica.requests().bytes();
      for (int i = 1; i <= 20; i++) {
        commitAfter(path, view, i);
        Txid txid = new Txid(view.txid().value() + i);
        TestReplicas.await(() -> replica.published().orElseThrow().txid().equals(txid));
      }
      assertTrue(replica.requests().bytes() - received < 4 * largest.size());
      assertTrue(replica.hydrationPercent() < 100);
    }
  }

  /** A tenth of a large file is wanted, and the rest is in one that is malformed. */
  @Test
  void whatIsSoundIsProvenBesideWhatIsMalformed() throws Exception {
    Path path = dir.resolve("replica");
    SortedMap<Long, byte[]> first = randomPages(600);
    SortedMap<Long, byte[]> later = randomPages(600);
    later.keySet().removeIf(pgno -> pgno > 1 && pgno <= 60);
    TestReplicas.write(path, 9, TestReplicas.header(4096, 600, 1, 1), first);
    Path damaged = TestReplicas.write(path, 1, TestReplicas.header(4096, 600, 2, 2), later);
    byte[] bytes = Files.readAllBytes(damaged);
    bytes[bytes.length / 2] ^= 1;
    Files.write(damaged, bytes);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = open(replicas, options(path));
      replica.latest();
      TestReplicas.await(() -> replica.store().isPresent());
      PageStore store = replica.store().orElseThrow().pages();
      TestReplicas.await(
          () ->
              LongStream.rangeClosed(2, 60)
                  .allMatch(pgno -> store.contains(pgno) && store.proof(pgno) == Proof.PROVEN));
      assertTrue(replica.hydrationPercent() < 100);
    }
  }

  /** Of a file that is large enough not to be read whole for one page. */
  @Test
  void aPageThatTheDiskDoesNotGiveBackIsHydratedAgain() throws Exception {
    Path path = dir.resolve("replica");
    SortedMap<Long, byte[]> pages = randomPages(600);
    TestReplicas.write(path, 9, TestReplicas.header(4096, 600, 1, 1), pages);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = open(replicas, options(path));
      View view = replica.latest();
      awaitHydrated(replica);
      byte[] expected = stored(replica, view);
      PageStore store = replica.store().orElseThrow().pages();
      try (RandomAccessFile file =
          new RandomAccessFile(replica.hydrationFile().orElseThrow().toFile(), "rw")) {
        file.setLength((view.commit() - 1) * view.pageSize());
      }
      long received = replica.requests().bytes();
      TestReplicas.page(replica, view, view.commit());
      TestReplicas.await(() -> store.contains(view.commit()));
      awaitHydrated(replica);
      assertArrayEquals(expected, stored(replica, view));
      long again = replica.requests().bytes() - received;
      assertTrue(again < 16L * view.pageSize(), () -> again + " bytes for one page");
    }
  }

  private static SortedMap<Long, byte[]> randomPages(int count) {
    Random random = new Random(3);
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno = 1; pgno <= count; pgno++) {
      byte[] page = new byte[4096];
      random.nextBytes(page);
      pages.put(pgno, page);
    }
    return pages;
  }

  private static void commitAfter(Path path, View view, int i) throws IOException {
    long txid = view.txid().value() + i;
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    byte[] page = new byte[view.pageSize()];
    Arrays.fill(page, (byte) i);
    pages.put(view.commit(), page);
    TestReplicas.write(
        path, 0, TestReplicas.header(view.pageSize(), view.commit(), txid, txid), pages);
  }

  @Test
  void storeThatIsTooSmallIsNotFilledAgainAndAgain() throws Exception {
    Path path = Golden.named("rand-4096").copyTo(dir.resolve("replica"));
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica =
          open(
              replicas,
              options(path).withStore(StoreOptions.DEFAULT.hydrated(true).withBytesMax(64 << 10)));
      View view = replica.latest();
      assertTrue(view.commit() * view.pageSize() > 64 << 10);
      Random random = new Random(1);
      for (int i = 0; i < 500; i++) {
        TestReplicas.page(replica, view, 1 + random.nextInt((int) view.commit()));
      }
      long received = replica.requests().bytes();
      for (int i = 0; i < 500; i++) {
        TestReplicas.page(replica, view, 1 + random.nextInt((int) view.commit()));
      }
      assertTrue(replica.requests().bytes() - received < view.commit() * view.pageSize());
      assertTrue(replica.hydrationPercent() < 100);
    }
  }
}
