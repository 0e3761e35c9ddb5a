package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How many uploads the commits of an application make, counted at the storage. */
final class UploadBudgetTest {
  private static final int BURST = 60;

  /** So many more are waited for, one an interval. */
  private static final int PAST_BURST = 8;

  /** A first image costs none of the burst. */
  private static final int IMAGE = 1;

  @TempDir Path folder;

  private ReplicatedWorld world;
  private ProxiedReplica replica;

  @BeforeEach
  void begin(@Seeded("sluice.seed") Seed seed) throws Exception {
    world = new ReplicatedWorld(folder, seed);
    replica = new ProxiedReplica();
  }

  @AfterEach
  void end() throws SQLException {
    replica.close();
    world.close();
  }

  private DatabaseSettings with(Duration syncInterval) {
    return DatabaseSettings.of(world.database).withSyncInterval(syncInterval);
  }

  /** Fails unless what is stored has all TXIDs from the first on, in their order. */
  private void requireOrder() {
    List<Txid> stored = replica.stored();
    List<Txid> expected = LongStream.rangeClosed(1, stored.size()).mapToObj(Txid::new).toList();
    assertEquals(expected, stored);
  }

  /** Returns the number of the application's transaction that a TXID holds. */
  private long number(Txid txid) throws IOException, SQLException {
    return world.application.requireCommitted(replica.restored(txid, folder), "TXID " + txid);
  }

  /** Commits, and waits until that is captured. */
  private void commitCaptured(ReplicatedDatabase replicated) throws SQLException {
    long before = replicated.figures().capturedFrames();
    world.application.commitAnything();
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (replicated.figures().capturedFrames() == before) {
      assertTrue(System.nanoTime() < endNanos, () -> replicated.status().toString());
      Thread.onSpinWait();
    }
  }

  /** No token comes within the test: who waited for one would wait for an hour. */
  @Test
  void commitsGoOutAtOnceUntilTheBurstIsUsedUpAndThenGather() throws Exception {
    try (Replicator replicator = ProxiedReplica.replicators().start()) {
      ReplicatedDatabase replicated = replicator.add(with(Duration.ofHours(1)), replica.url);
      replica.awaitStored(IMAGE);
      while (replica.stored().size() < IMAGE + BURST) {
        int before = replica.stored().size();
        world.application.commitAnything();
        replica.awaitStored(before + 1);
      }
      for (int i = 0; i < 20; i++) {
        commitCaptured(replicated);
      }
      assertEquals(IMAGE + BURST, replica.stored().size());
      replicated.syncAndWait(SURELY);
      assertEquals(IMAGE + BURST + 1, replica.stored().size(), "all of it is one file");
    }
    requireOrder();
    assertTrue(number(new Txid(IMAGE + BURST)) <= world.application.number() - 20);
    assertEquals(world.application.number(), number(new Txid(IMAGE + BURST + 1)));
  }

  private static long intervals(Duration interval, long sinceNanos) {
    return (System.nanoTime() - sinceNanos) / interval.toNanos();
  }

  @Test
  void steadyCommitsMakeOneUploadAnIntervalPastTheBurst() throws Exception {
    Duration interval = Duration.ofMillis(250);
    long begunNanos = System.nanoTime();
    try (Replicator replicator = ProxiedReplica.replicators().start()) {
      ReplicatedDatabase replicated = replicator.add(with(interval), replica.url);
      replica.awaitStored(IMAGE);
      long limitNanos = begunNanos + SURELY.toNanos();
      // Tokens come meanwhile, which are used as well: until an upload waits for one.
      long uploadNanos = System.nanoTime();
      int uploads = 0;
      while (uploads < IMAGE + BURST || intervals(interval.dividedBy(2), uploadNanos) == 0) {
        assertTrue(System.nanoTime() < limitNanos, () -> replicated.status().toString());
        world.application.commitAnything();
        if (replica.stored().size() > uploads) {
          uploads = replica.stored().size();
          uploadNanos = System.nanoTime();
        }
      }
      int burst = replica.stored().size();
      long pastNanos = System.nanoTime();
      while (replica.stored().size() < burst + PAST_BURST) {
        assertTrue(
            System.nanoTime() - pastNanos < 8 * PAST_BURST * interval.toNanos(),
            () -> "tokens came that nobody used: " + replica.stored().size());
        commitCaptured(replicated);
      }
      int stored = replica.stored().size();
      long intervals = intervals(interval, begunNanos);
      assertTrue(
          stored <= IMAGE + BURST + intervals + 1,
          () -> stored + " uploads in " + intervals + " intervals");
      requireOrder();
      long gathered = 0;
      long before = number(new Txid(burst));
      for (int txid = burst + 1; txid <= stored; txid++) {
        long number = number(new Txid(txid));
        gathered = Math.max(gathered, number - before);
        before = number;
      }
      assertTrue(gathered >= 6, "no file holds more transactions than " + gathered);
      world.application.commit(); // one more file at least
      replicated.syncAndWait(SURELY);
    }
    requireOrder();
    List<Txid> all = replica.stored();
    assertEquals(world.application.number(), number(all.get(all.size() - 1)));
  }

  @Test
  void commitsGatherInOneFileWhileTheStorageIsAway() throws Exception {
    Duration interval = Duration.ofMillis(20);
    try (Replicator replicator = ProxiedReplica.replicators().start()) {
      ReplicatedDatabase replicated = replicator.add(with(interval), replica.url);
      replicated.syncAndWait(SURELY);
      replica.proxy.refuse();
      Path cuts = replicated.settings().metaPath().resolve("ltx/0");
      int before = count(cuts);
      long awayNanos = System.nanoTime();
      while (System.nanoTime() - awayNanos < 50 * interval.toNanos()) {
        commitCaptured(replicated);
      }
      int after = count(cuts);
      assertTrue(after - before <= 2, () -> before + " files have become " + after);
      replica.proxy.heal();
      replicated.syncAndWait(SURELY);
    }
    List<Txid> stored = replica.listed(); // an answer may have been lost when the storage went away
    assertEquals(LongStream.rangeClosed(1, stored.size()).mapToObj(Txid::new).toList(), stored);
    assertTrue(stored.size() <= 4, stored::toString);
    long last = 0;
    for (Txid txid : stored) {
      long number = number(txid);
      assertTrue(number >= last, () -> "TXID " + txid + " goes back");
      last = number;
    }
    assertEquals(world.application.number(), last);
  }

  private static int count(Path cuts) throws IOException {
    try (Stream<Path> files = Files.list(cuts)) {
      return (int) files.filter(file -> file.toString().endsWith(".ltx")).count();
    }
  }
}
