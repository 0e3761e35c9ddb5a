package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Openings that are shared, hindered, or of a replica that changes under them. */
class ReplicaOpeningTest {
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Target LATEST = new Target.Latest();

  @TempDir Path dir;

  private void write(int level, long min, long max, int commit, long seed) {
    TreeMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno = 1; pgno <= commit; pgno++) {
      pages.put(pgno, page(pgno, seed));
    }
    try {
      TestReplicas.write(dir, level, TestReplicas.header(512, commit, min, max), pages);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] page(long pgno, long seed) {
    byte[] page = new byte[512];
    new Random(pgno * 1000 + seed).nextBytes(page);
    return page;
  }

  private void delete(int level, long min, long max) {
    try {
      Files.deleteIfExists(TestReplicas.file(dir, level, min, max));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Replicas replicas(UnaryOperator<ReplicaClient> faults) {
    return new Replicas(
        url -> faults.apply(ReplicaClients.open(url, name -> Optional.empty())),
        TestReplicas.MEMORY);
  }

  private static CompletableFuture<View> opening(Replica replica, Duration timeout) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return replica.at(LATEST, Patience.of(timeout));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** Tells of its listings. */
  private static final class Listed extends ForwardingReplicaClient {
    private final CountDownLatch seen;
    private final boolean isDown;

    Listed(ReplicaClient inner, int count, boolean isDown) {
      super(inner);
      this.seen = new CountDownLatch(count);
      this.isDown = isDown;
    }

    void awaitSeen() throws InterruptedException {
      assertTrue(seen.await(LONG.toSeconds(), TimeUnit.SECONDS));
    }

    @Override
    public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
      seen.countDown();
      return isDown
          ? CompletableFuture.failedFuture(new ReplicaException.Unavailable("the storage is down"))
          : super.list(level, from);
    }
  }

  private Listed listed(int count, boolean isDown) {
    return new Listed(
        ReplicaClients.open(TestReplicas.options(dir).url(), name -> Optional.empty()),
        count,
        isDown);
  }

  @Test
  void aFirstFileThatComesWhileWaitingIsOpened() throws Exception {
    Listed client = listed(21, false);
    try (Replicas replicas = replicas(inner -> client)) {
      CompletableFuture<View> opening = opening(replicas.acquire(TestReplicas.options(dir)), LONG);
      // Two rounds of ten listings have been empty.
      client.awaitSeen();
      write(0, 1, 1, 3, 1);
      assertEquals(Txid.FIRST, opening.get().txid());
    }
  }

  @Test
  void whoHasLessTimeThanTheSharedOpeningLearnsThatThereAreNoFiles() throws Exception {
    // The second round of listings follows the pause after the first.
    Listed client = listed(11, false);
    try (Replicas replicas = replicas(inner -> client)) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      CompletableFuture<View> patient = opening(replica, LONG);
      client.awaitSeen();
      ViewException.NoFiles failure =
          assertThrows(ViewException.NoFiles.class, () -> replica.at(LATEST, Patience.of(SHORT)));
      assertTrue(
          String.valueOf(failure.getMessage()).contains("no files yet"), failure.getMessage());
      write(0, 1, 1, 3, 1);
      assertEquals(Txid.FIRST, patient.get().txid());
    }
  }

  @Test
  void whoHasLessTimeThanTheSharedOpeningLearnsWhatTheStorageSaid() throws Exception {
    Listed client = listed(30, true);
    try (Replicas replicas = replicas(inner -> client)) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      CompletableFuture<View> patient = opening(replica, LONG);
      client.awaitSeen();
      ReplicaException.Unavailable failure =
          assertThrows(
              ReplicaException.Unavailable.class, () -> replica.at(LATEST, Patience.of(SHORT)));
      String message = String.valueOf(failure.getMessage());
      assertTrue(message.contains("the storage is down"), message);
      assertTrue(message.contains("tried"), message);
      assertTrue(message.contains("times"), message);
      replicas.release(replica);
      assertThrows(Exception.class, patient::get);
    }
  }

  @Test
  void whoHasMoreTimeThanTheSharedOpeningGoesOn() throws Exception {
    Listed client = listed(1, false);
    try (Replicas replicas = replicas(inner -> client)) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      CompletableFuture<View> hasty = opening(replica, SHORT);
      client.awaitSeen();
      CompletableFuture<View> patient = opening(replica, LONG);
      assertThrows(Exception.class, hasty::get);
      write(0, 1, 1, 3, 1);
      assertEquals(Txid.FIRST, patient.get().txid());
    }
  }

  /** Does something once, before the first read. */
  private static UnaryOperator<ReplicaClient> beforeFirstRead(Runnable action) {
    AtomicBoolean isDone = new AtomicBoolean();
    return inner ->
        new ForwardingReplicaClient(inner) {
          @Override
          public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
            if (isDone.compareAndSet(false, true)) {
              action.run();
            }
            return super.read(file, offset, length);
          }
        };
  }

  @Test
  void aFileThatIsCompactedAfterItWasListedLeadsToAnotherPlan() throws IOException {
    write(0, 1, 1, 3, 1);
    write(0, 2, 2, 3, 2);
    UnaryOperator<ReplicaClient> compaction =
        beforeFirstRead(
            () -> {
              write(1, 1, 2, 3, 2);
              delete(0, 1, 1);
              delete(0, 2, 2);
            });
    try (Replicas replicas = replicas(compaction)) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      View view = replica.latest();
      assertEquals(new Txid(2), view.txid());
      assertArrayEquals(page(3, 2), TestReplicas.page(replica, view, 3));
      assertEquals(Optional.empty(), replica.lastError());
    }
  }

  @Test
  void aFileThatStaysListedButGoneIsHistoryGone() throws IOException {
    write(0, 1, 1, 3, 1);
    UnaryOperator<ReplicaClient> gone =
        inner ->
            new ForwardingReplicaClient(inner) {
              @Override
              public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
                return CompletableFuture.failedFuture(
                    new ReplicaException.NotFound("no such file: " + location(file.name())));
              }
            };
    try (Replicas replicas = replicas(gone)) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      // The caller's time may be over before the opening has ended.
      IOException failure =
          assertThrows(IOException.class, () -> replica.at(LATEST, Patience.of(SHORT)));
      assertTrue(
          String.valueOf(failure.getMessage()).contains("history gone"), failure.getMessage());
      TestReplicas.await(() -> replica.lastError().orElse("none").contains("history gone"));
    }
  }

  @Test
  void aReplicaBegunAnewIsNotServedFromWhatWasKnownBefore() throws IOException {
    for (int txid = 1; txid <= 3; txid++) {
      write(0, txid, txid, 3, txid);
    }
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      View old = replica.latest();
      View oldTwo = replica.at(new Target.AtTxid(new Txid(2)));
      assertSame(oldTwo, replica.at(new Target.AtTxid(new Txid(2))));
      for (int txid = 1; txid <= 3; txid++) {
        delete(0, txid, txid);
        write(0, txid, txid, 4, 10 + txid);
      }
      for (long txid : new long[] {9, 2}) {
        assertThrows(
            ViewException.Replaced.class, () -> replica.at(new Target.AtTxid(new Txid(txid))));
      }
      assertThrows(ViewException.Replaced.class, replica::latest);
      assertThrows(ViewException.Replaced.class, replica::requireSame);
      assertSame(old, replica.published().orElseThrow());
      Replica next = replicas.acquire(TestReplicas.options(dir));
      assertNotSame(replica, next);
      assertSame(next, replicas.acquire(TestReplicas.options(dir)));
      View newTwo = next.at(new Target.AtTxid(new Txid(2)));
      assertNotSame(oldTwo, newTwo);
      assertArrayEquals(page(3, 12), TestReplicas.page(next, newTwo, 3));
      assertArrayEquals(page(3, 13), TestReplicas.page(next, next.latest(), 3));
      assertArrayEquals(page(3, 3), TestReplicas.page(replica, old, 3));
      replicas.release(replica);
      assertEquals(4, next.at(new Target.AtTxid(new Txid(3))).commit());
    }
  }

  @Test
  void compactionIsTheSameReplica() throws IOException {
    for (int txid = 1; txid <= 3; txid++) {
      write(0, txid, txid, 3, txid);
    }
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      View view = replica.latest();
      write(1, 2, 3, 3, 3);
      delete(0, 2, 2);
      delete(0, 3, 3);
      write(0, 4, 4, 3, 4);
      assertEquals(4, replica.at(new Target.AtTxid(new Txid(4))).txid().value());
      assertSame(replica, replicas.acquire(TestReplicas.options(dir)));
      assertSame(view, replica.latest());
    }
  }

  @Test
  void theTargetOfOneConnectionIsNoErrorOfAll() throws IOException {
    write(0, 1, 1, 3, 1);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(dir));
      replica.latest();
      assertThrows(
          PlanException.NotReachable.class, () -> replica.at(new Target.AtTxid(new Txid(9))));
      assertEquals(Optional.empty(), replica.lastError());
    }
  }
}
