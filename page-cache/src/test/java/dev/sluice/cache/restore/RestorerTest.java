package dev.sluice.cache.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.TestReplicas;
import dev.sluice.cache.ViewException;
import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.cache.bulk.Limits;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How long a restore goes on. Its time stands still unless a test moves it. */
class RestorerTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int PAGES = 50;
  private static final int RANGE_BYTES = 60_000;

  /** What is asked for of a file's end to find its index. */
  private static final int TAIL_BYTES = 18 << 10;

  @TempDir Path dir;

  private final AtomicLong nanos = new AtomicLong();
  private Path replica;

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  private static SortedMap<Long, byte[]> pages() {
    TreeMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno = 1; pgno <= PAGES; pgno++) {
      byte[] page = new byte[4096];
      new Random(pgno).nextBytes(page);
      pages.put(pgno, page);
    }
    return pages;
  }

  private void write(int level, long min, long max) {
    try {
      TestReplicas.write(replica, level, TestReplicas.header(4096, PAGES, min, max), pages());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void remove(int level, long min, long max) {
    try {
      Files.deleteIfExists(TestReplicas.file(replica, level, min, max));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @BeforeEach
  void writeTwoFiles() {
    replica = dir.resolve("replica");
    write(0, 1, 1);
    write(0, 2, 2);
  }

  private ReplicaClient files() {
    return ReplicaClients.open(TestReplicas.options(replica).url(), name -> Optional.empty());
  }

  private Restorer.Result restore(ReplicaClient client, Restorer.Progress progress)
      throws IOException {
    try (client;
        Restorer restorer =
            new Restorer(
                client,
                new RequestMeter(),
                BulkReader.Setup.of("restore", LIMIT)
                    .withTicker(nanos::get)
                    .withLimits(new Limits(RANGE_BYTES, RANGE_BYTES, 1)))) {
      return restorer.restore(
          new Target.Latest(), dir.resolve("out.db"), DatabasePlace.Existing.REFUSE, progress);
    }
  }

  private void requireImage() throws IOException {
    byte[] image = Files.readAllBytes(dir.resolve("out.db"));
    for (Map.Entry<Long, byte[]> page : pages().entrySet()) {
      int at = (int) (page.getKey() - 1) * 4096;
      assertEquals(
          TestReplicas.sha256(page.getValue()),
          TestReplicas.sha256(java.util.Arrays.copyOfRange(image, at, at + 4096)));
    }
  }

  /** Breaks those requests for content, counted from 1, for which {@code breaks} says so. */
  private static final class Breaking extends ForwardingReplicaClient {
    private final IntPredicate breaks;
    private final Runnable before;
    private final Map<LtxFile, TreeMap<Long, Integer>> ranges = new HashMap<>();
    private int requests;

    Breaking(ReplicaClient inner, IntPredicate breaks, Runnable before) {
      super(inner);
      this.breaks = breaks;
      this.before = before;
    }

    synchronized int requests() {
      return requests;
    }

    private synchronized boolean isNextBroken() {
      requests++;
      return breaks.test(requests);
    }

    @Override
    public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
      if (isNextBroken()) {
        before.run();
        return CompletableFuture.failedFuture(new ReplicaException.Unavailable("the range broke"));
      }
      synchronized (this) {
        ranges.computeIfAbsent(file, key -> new TreeMap<>()).merge(offset, length, Integer::sum);
      }
      return super.read(file, offset, length);
    }
  }

  @Test
  void whatTheListenerTakesIsNoStall() throws IOException {
    Breaking client = new Breaking(files(), number -> number % 3 == 0, () -> {});
    Restorer.Result result =
        restore(client, (done, total) -> pass(LIMIT.plus(Duration.ofSeconds(1))));
    assertEquals(new Txid(2), result.txid());
    requireImage();
  }

  @Test
  void aBrokenTransferGoesOnWhereItBroke() throws IOException {
    Breaking client = new Breaking(files(), number -> number % 3 == 0, () -> {});
    List<Long> done = new ArrayList<>();
    long total = restored(client, done);
    assertEquals(done.stream().sorted().toList(), done, "no byte was read twice");
    assertEquals(total, done.get(done.size() - 1));
    long asked = 0;
    for (TreeMap<Long, Integer> ofFile : client.ranges.values()) {
      asked += ofFile.values().stream().mapToLong(length -> length).sum();
    }
    assertTrue(asked < total + 2 * (TAIL_BYTES + 100), asked + " bytes were asked for");
    requireImage();
  }

  private long restored(ReplicaClient client, List<Long> done) throws IOException {
    AtomicLong total = new AtomicLong();
    restore(
        client,
        (bytes, ofAll) -> {
          done.add(bytes);
          total.set(ofAll);
        });
    return total.get();
  }

  @Test
  void everyNewByteEndsAStall() throws IOException {
    // A fifth of the limit passes before every second request; together that is more than it.
    Breaking client =
        new Breaking(files(), number -> number % 2 == 0, () -> pass(LIMIT.dividedBy(5)));
    assertEquals(new Txid(2), restore(client, Restorer.Progress.none()).txid());
    assertTrue(nanos.get() > LIMIT.toNanos());
    requireImage();
  }

  @Test
  void withoutANewByteItEndsAtTheLimit() {
    Breaking client = new Breaking(files(), number -> true, () -> pass(LIMIT.dividedBy(4)));
    ReplicaException.Unavailable failure =
        assertThrows(
            ReplicaException.Unavailable.class, () -> restore(client, Restorer.Progress.none()));
    assertTrue(String.valueOf(failure.getMessage()).contains("broke"), failure.getMessage());
    // Header and index of a file are asked for at once.
    assertTrue(client.requests() == 4 || client.requests() == 5, client.requests() + " requests");
  }

  @Test
  void aFileThatIsReplacedDuringItsTransferLeadsToAnotherPlan() throws IOException {
    Breaking client =
        new Breaking(
            files(),
            number -> number == 5,
            () -> {
              write(1, 1, 2);
              remove(0, 1, 1);
              remove(0, 2, 2);
            });
    assertEquals(new Txid(2), restore(client, Restorer.Progress.none()).txid());
    requireImage();
  }

  @Test
  void aFileThatIsCompactedLongAfterTheStartLeadsToAnotherPlan() throws IOException {
    Set<LtxFile> opened = new HashSet<>();
    ForwardingReplicaClient client =
        new ForwardingReplicaClient(files()) {
          @Override
          public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
            if (opened.add(file) && opened.size() == 2) {
              write(1, 1, 2);
              remove(0, 1, 1);
              remove(0, 2, 2);
            }
            return super.read(file, offset, length);
          }
        };
    assertEquals(new Txid(2), restore(client, (done, total) -> pass(LIMIT)).txid());
    assertEquals(3, opened.size());
    requireImage();
  }

  @Test
  void aFileThatIsListedButGoneForGoodIsHistoryGone() {
    ForwardingReplicaClient client =
        new ForwardingReplicaClient(files()) {
          @Override
          public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
            if (file.name().range().min().equals(new Txid(2))) {
              pass(LIMIT.dividedBy(4));
              return CompletableFuture.failedFuture(
                  new ReplicaException.NotFound("no such file: " + location(file.name())));
            }
            return super.read(file, offset, length);
          }
        };
    ViewException.HistoryGone failure =
        assertThrows(
            ViewException.HistoryGone.class, () -> restore(client, Restorer.Progress.none()));
    assertTrue(
        String.valueOf(failure.getMessage()).contains("0000000000000002"), failure.getMessage());
    assertTrue(Files.notExists(dir.resolve("out.db")));
  }
}
