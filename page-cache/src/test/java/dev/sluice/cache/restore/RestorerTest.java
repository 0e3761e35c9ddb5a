package dev.sluice.cache.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.TestReplicas;
import dev.sluice.cache.ViewException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How long a restore goes on. Its time stands still unless a test moves it. */
class RestorerTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int PAGES = 50;
  private static final int RANGE_BYTES = 60_000;

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
                client, new RequestMeter(), LIMIT, new Transfers.Setup(RANGE_BYTES, nanos::get))) {
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

  /**
   * Breaks those requests for content, counted from 1, for which {@code breaks} says so: a stream
   * after so many bytes, a range at once.
   */
  private static final class Breaking extends ForwardingReplicaClient {
    private final Map<Integer, Integer> breaks;
    private final Runnable before;
    private final List<Long> ranges = new ArrayList<>();
    private int requests;

    Breaking(ReplicaClient inner, Map<Integer, Integer> breaks, Runnable before) {
      super(inner);
      this.breaks = breaks;
      this.before = before;
    }

    synchronized int requests() {
      return requests;
    }

    private synchronized Optional<Integer> nextBreak() {
      requests++;
      return Optional.ofNullable(breaks.get(requests));
    }

    @Override
    public CompletableFuture<InputStream> open(LtxFile file) {
      Optional<Integer> after = nextBreak();
      CompletableFuture<InputStream> stream = super.open(file);
      return after.isEmpty() ? stream : stream.thenApply(in -> breaking(in, after.get()));
    }

    @Override
    public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
      if (nextBreak().isPresent()) {
        before.run();
        return CompletableFuture.failedFuture(new ReplicaException.Unavailable("the range broke"));
      }
      synchronized (this) {
        ranges.add(offset);
      }
      return super.read(file, offset, length);
    }

    private InputStream breaking(InputStream in, int after) {
      return new FilterInputStream(in) {
        private int left = after;

        @Override
        public int read(byte[] dst, int offset, int length) throws IOException {
          if (left == 0) {
            before.run();
            throw new ReplicaException.Unavailable("the transfer broke");
          }
          int count = super.read(dst, offset, Math.min(left, length));
          left -= Math.max(0, count);
          return count;
        }
      };
    }
  }

  @Test
  void whatTheListenerTakesIsNoStall() throws IOException {
    Breaking client = new Breaking(files(), Map.of(1, 70_000, 3, 90_000), () -> {});
    Restorer.Result result =
        restore(client, (done, total) -> pass(LIMIT.plus(Duration.ofSeconds(1))));
    assertEquals(new Txid(2), result.txid());
    requireImage();
  }

  @Test
  void aBrokenTransferGoesOnWhereItBroke() throws IOException {
    Breaking client = new Breaking(files(), Map.of(1, 70_000), () -> {});
    List<Long> done = new ArrayList<>();
    restore(client, (bytes, total) -> done.add(bytes));
    long size = Files.size(TestReplicas.file(replica, 0, 1, 1));
    List<Long> expected = new ArrayList<>();
    for (long at = 70_000; at < size; at += RANGE_BYTES) {
      expected.add(at);
    }
    assertEquals(expected, client.ranges);
    assertEquals(done.stream().sorted().toList(), done, "no byte was read twice");
    requireImage();
  }

  @Test
  void everyNewByteEndsAStall() throws IOException {
    // Two fifths of the limit pass before each range; together that is more than the limit.
    Map<Integer, Integer> breaks = Map.of(1, 10_000, 2, 0, 4, 0, 6, 0);
    Breaking client = new Breaking(files(), breaks, () -> pass(LIMIT.multipliedBy(2).dividedBy(5)));
    assertEquals(new Txid(2), restore(client, Restorer.Progress.none()).txid());
    requireImage();
  }

  @Test
  void withoutANewByteItEndsAtTheLimit() {
    Map<Integer, Integer> breaks = new TreeMap<>();
    for (int i = 1; i < 100; i++) {
      breaks.put(i, 10_000);
    }
    Breaking client = new Breaking(files(), breaks, () -> pass(LIMIT.dividedBy(3)));
    ReplicaException.Unavailable failure =
        assertThrows(
            ReplicaException.Unavailable.class, () -> restore(client, Restorer.Progress.none()));
    assertTrue(String.valueOf(failure.getMessage()).contains("broke"), failure.getMessage());
    assertEquals(3, client.requests());
  }

  @Test
  void aFileThatIsReplacedDuringItsTransferLeadsToAnotherPlan() throws IOException {
    Breaking client =
        new Breaking(
            files(),
            Map.of(1, 10_000),
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
    AtomicInteger opened = new AtomicInteger();
    ForwardingReplicaClient client =
        new ForwardingReplicaClient(files()) {
          @Override
          public CompletableFuture<InputStream> open(LtxFile file) {
            if (opened.incrementAndGet() == 2) {
              write(1, 1, 2);
              remove(0, 1, 1);
              remove(0, 2, 2);
            }
            return super.open(file);
          }
        };
    assertEquals(new Txid(2), restore(client, (done, total) -> pass(LIMIT)).txid());
    assertEquals(3, opened.get());
    requireImage();
  }

  @Test
  void aFileThatIsListedButGoneForGoodIsHistoryGone() {
    ForwardingReplicaClient client =
        new ForwardingReplicaClient(files()) {
          @Override
          public CompletableFuture<InputStream> open(LtxFile file) {
            if (file.name().range().min().equals(new Txid(2))) {
              pass(LIMIT.dividedBy(4));
              return CompletableFuture.failedFuture(
                  new ReplicaException.NotFound("no such file: " + location(file.name())));
            }
            return super.open(file);
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
