package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the last release leaves behind: nothing, and nobody waits for it. */
class ReplicaEndTest {
  private static final long LIMIT_SECONDS = 20;

  @TempDir Path dir;

  private final PoisoningMemory memory = new PoisoningMemory();

  private ReplicaOptions options() throws IOException {
    TreeMap<Long, byte[]> pages = new TreeMap<>();
    pages.put(1L, new byte[512]);
    TestReplicas.write(dir, 0, TestReplicas.header(512, 1, 1, 1), pages);
    return TestReplicas.options(dir);
  }

  private static ReplicaClient client(ReplicaOptions options) {
    return ReplicaClients.open(options.url(), name -> Optional.empty());
  }

  /**
   * Stops each thread that names a file after the last read of an opening, where no interrupt
   * reaches it: in production that is the time it takes to decode pages and to build the map.
   */
  private static final class Stopping extends ForwardingReplicaClient {
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final CompletableFuture<Boolean> goOn = new CompletableFuture<>();
    private volatile boolean isRead;

    Stopping(ReplicaClient inner) {
      super(inner);
    }

    @Override
    public String location(LtxFileName name) {
      if (isRead) {
        stopped.countDown();
        goOn.join();
      }
      return super.location(name);
    }

    @Override
    public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
      byte[] bytes = super.read(file, offset, length).join();
      isRead = true;
      return CompletableFuture.completedFuture(bytes);
    }
  }

  @Test
  void anOpeningThatEndsAfterTheReleaseTouchesNothing() throws Exception {
    ReplicaOptions options = options();
    Stopping client = new Stopping(client(options));
    try (Replicas replicas = new Replicas(url -> client, memory)) {
      Replica replica = replicas.acquire(options);
      Control control = replica.control();
      CompletableFuture<IOException> failure = new CompletableFuture<>();
      Thread waiter =
          new Thread(
              () ->
                  failure.complete(
                      assertThrows(IOException.class, () -> replica.at(new Target.Latest()))));
      waiter.start();
      assertTrue(client.stopped.await(LIMIT_SECONDS, TimeUnit.SECONDS));
      waiter.interrupt();
      assertEquals(
          InterruptedIOException.class, failure.get(LIMIT_SECONDS, TimeUnit.SECONDS).getClass());
      replicas.release(replica);
      assertEquals(1, memory.releases());
      client.goOn.complete(Boolean.TRUE);
      assertTrue(replica.ended().get(LIMIT_SECONDS, TimeUnit.SECONDS));
      memory.requireUntouched();
      assertEquals(Optional.empty(), replica.published());
      assertThrows(IllegalStateException.class, control::memory);
      assertThrows(IllegalStateException.class, control::publishWord);
      assertThrows(IllegalStateException.class, () -> control.view(1 << 16));
    }
  }

  @Test
  void theMemoryOfAControlIsReadOnly() throws IOException {
    try (Replicas replicas = new Replicas(url -> client(TestReplicas.options(dir)), memory)) {
      Replica replica = replicas.acquire(options());
      assertTrue(replica.control().memory().isReadOnly());
      assertTrue(replica.control().memory().isDirect());
    }
  }

  @Test
  void theLastReleaseDoesNotWaitForTheClient() throws Exception {
    ReplicaOptions options = options();
    CompletableFuture<String> closedBy = new CompletableFuture<>();
    CompletableFuture<Boolean> mayEnd = new CompletableFuture<>();
    ReplicaClient client =
        new ForwardingReplicaClient(client(options)) {
          @Override
          public void close() {
            closedBy.complete(Thread.currentThread().getName());
            mayEnd.orTimeout(LIMIT_SECONDS, TimeUnit.SECONDS).join();
            super.close();
          }
        };
    try (Replicas replicas = new Replicas(url -> client, memory)) {
      Replica replica = replicas.acquire(options);
      replica.latest();
      replicas.release(replica);
      assertFalse(replica.ended().isDone());
      String name = closedBy.get(LIMIT_SECONDS, TimeUnit.SECONDS);
      assertTrue(name.startsWith("replica-") && name.endsWith("-end"), name);
      mayEnd.complete(Boolean.TRUE);
      assertTrue(replica.ended().get(LIMIT_SECONDS, TimeUnit.SECONDS));
      String number = name.substring(0, name.lastIndexOf('-'));
      for (Thread thread : List.copyOf(Thread.getAllStackTraces().keySet())) {
        if (thread.getName().equals(number) || thread.getName().equals(number + "-timer")) {
          thread.join(Duration.ofSeconds(LIMIT_SECONDS).toMillis());
          assertFalse(thread.isAlive(), thread.getName());
        }
      }
    }
  }

  @Test
  void aReaderBetweenTwoAttemptsEndsWithTheReplica() throws Exception {
    CompletableFuture<Boolean> mayFail = new CompletableFuture<>();
    CountDownLatch failures = new CountDownLatch(3);
    ReplicaOptions options = options().withPageCacheBytes(1);
    ReplicaClient client =
        new ForwardingReplicaClient(client(options)) {
          @Override
          public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
            if (!mayFail.isDone()) {
              return super.read(file, offset, length);
            }
            failures.countDown();
            return CompletableFuture.failedFuture(new ReplicaException.Unavailable("503"));
          }
        };
    ExecutorService reader = Executors.newSingleThreadExecutor();
    try (Replicas replicas = new Replicas(url -> client, memory)) {
      Replica replica = replicas.acquire(options);
      View view = replica.latest();
      mayFail.complete(Boolean.TRUE);
      Patience patience = Patience.of(Duration.ofMinutes(5));
      Future<?> read =
          reader.submit(
              () -> {
                replica.read(view, 1, ByteBuffer.allocate(512), patience);
                return null;
              });
      assertTrue(failures.await(LIMIT_SECONDS, TimeUnit.SECONDS));
      // Attempts fail at once: as soon as the timer rests the next one is some time away.
      TestReplicas.await(ReplicaEndTest::doTimersRest);
      replicas.release(replica);
      ExecutionException failure =
          assertThrows(ExecutionException.class, () -> read.get(LIMIT_SECONDS, TimeUnit.SECONDS));
      ReplicaException e = assertInstanceOf(ReplicaException.class, failure.getCause());
      assertTrue(String.valueOf(e.getMessage()).contains("closed"), e.getMessage());
    } finally {
      reader.shutdownNow();
    }
  }

  private static boolean doTimersRest() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().endsWith("-timer"))
        .allMatch(
            thread ->
                thread.getState() == Thread.State.WAITING
                    || thread.getState() == Thread.State.TIMED_WAITING);
  }

  @Test
  void aClientThatCannotBeClosedIsReported() throws Exception {
    ReplicaOptions options = options();
    ReplicaClient client =
        new ForwardingReplicaClient(client(options)) {
          @Override
          public void close() {
            throw new IllegalStateException("cannot close");
          }
        };
    try (Replicas replicas = new Replicas(url -> client, memory)) {
      Replica replica = replicas.acquire(options);
      replicas.release(replica);
      ExecutionException failure =
          assertThrows(
              ExecutionException.class, () -> replica.ended().get(LIMIT_SECONDS, TimeUnit.SECONDS));
      assertInstanceOf(IllegalStateException.class, failure.getCause());
    }
  }
}
