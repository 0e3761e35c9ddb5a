package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Environment;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.Target;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import dev.sluice.testkit.Storm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Eight readers of one replica on a socket that breaks requests at random, while the replica grows,
 * is compacted and loses its old files. Each page is the one of its TXID or the read fails within
 * its deadline with one of the errors that say why; and soon after the faults have ended everything
 * is as if there had been none.
 *
 * <p>{@code -Dsluice.soak.seconds} and {@code -Dsluice.soak.seed} make it longer and the same.
 */
class FaultSoakTest {
  private static final int READERS = 8;
  private static final int SECONDS = Integer.getInteger("sluice.soak.seconds", 10);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration POLL_INTERVAL = Duration.ofMillis(200);

  /** What a busy machine gets beyond a deadline: all its threads may stand still for seconds. */
  private static final Duration GRACE = Duration.ofSeconds(4);

  private static final Duration STORM = Duration.ofSeconds(7);
  private static final Duration CALM = Duration.ofMillis(2500);
  private static final Duration WRITE_INTERVAL = Duration.ofMillis(60);

  /** What half of the recoveries take at most: nothing in one waits for longer. */
  private static final Duration RECOVERY = Duration.ofSeconds(1);

  /** When all should be well, even where a page that was compacted away has to be found again. */
  private static final Duration RECOVERED = RECOVERY.plusMillis(500);

  /** What the slowest of many recoveries may take. */
  private static final Duration LONGEST_RECOVERY = GRACE;

  /** Of the reads during a storm. */
  private static final double EXACT_SHARE_MIN = 0.5;

  @TempDir Path side;

  private final Seed seed;
  private final FaultProxy proxy = FaultProxy.before(S3Server.shared().endpoint());
  private final String bucket = S3Server.shared().createBucket();
  private final SoakHistory history;
  private final Replicas replicas = new Replicas(TestReplicas.MEMORY, environment());
  private final AtomicLong exact = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final Map<String, Integer> failures = new TreeMap<>();

  /** When each reader was first answered after it was set to 0. */
  private final AtomicLongArray firstAnswer = new AtomicLongArray(READERS);

  private final AtomicLong slowestNanos = new AtomicLong();

  /** Reads that begin between these must succeed. */
  private volatile long calmFrom = Long.MAX_VALUE;

  private volatile boolean isOver;

  FaultSoakTest(@Seeded("sluice.soak.seed") Seed seed) {
    this.seed = seed;
    this.history = new SoakHistory(bucket, seed.random());
  }

  private static Environment environment() {
    Map<String, String> keys =
        Map.of(
            "AWS_ACCESS_KEY_ID",
            S3Server.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY",
            S3Server.SECRET_ACCESS_KEY);
    return name -> Optional.ofNullable(keys.get(name));
  }

  @AfterEach
  void close() {
    isOver = true;
    replicas.close();
    proxy.close();
  }

  private Replica open() throws IOException {
    ReplicaUrl url =
        ReplicaUrl.parse(
            "s3://"
                + bucket
                + "/db?region=us-east-1&force-path-style=true&endpoint="
                + proxy.endpoint());
    Replica replica =
        replicas.acquire(
            ReplicaOptions.of(url)
                .withReadTimeout(READ_TIMEOUT)
                .withPollInterval(POLL_INTERVAL)
                .withPageCacheBytes(100 << 10)
                .withCacheDirectory(side));
    replica.at(new Target.Latest(), Patience.of(Duration.ofSeconds(30)));
    return replica;
  }

  @Test
  void everyPageIsOfItsTxidOrFailsInTimeAndServiceComesBackAtOnce() throws Exception {
    for (int i = 0; i < 60; i++) {
      history.write();
    }
    Replica replica = open();
    ExecutorService threads = Executors.newFixedThreadPool(READERS);
    List<Future<?>> readers = new ArrayList<>();
    List<Long> readable = new ArrayList<>();
    List<Long> visible = new ArrayList<>();
    try {
      for (int i = 0; i < READERS; i++) {
        Reader reader = new Reader(replica, i, new Random(seed.value() + i));
        readers.add(threads.submit(reader));
      }
      Random random = new Random(~seed.value());
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (System.nanoTime() < end) {
        Storm.Kind last = storm(random, readers);
        long healed = System.nanoTime();
        proxy.heal();
        for (int i = 0; i < READERS; i++) {
          firstAnswer.set(i, 0);
        }
        proxy.clearLog();
        int txid = history.write();
        visible.add(untilVisible(replica, txid, healed));
        readable.add(untilReadable(healed));
        System.out.printf(
            "after %s: readable in %d ms, visible in %d ms; TXID %d, exact %d, failed %d, slowest %d ms%n",
            last,
            readable.get(readable.size() - 1),
            visible.get(visible.size() - 1),
            txid,
            exact.get(),
            failed.get(),
            TimeUnit.NANOSECONDS.toMillis(slowestNanos.get()));
        calmFrom = healed + RECOVERED.toNanos();
        writeFor(RECOVERED.plus(CALM).minusNanos(System.nanoTime() - healed), readers);
        calmFrom = Long.MAX_VALUE;
      }
      isOver = true;
      for (Future<?> reader : readers) {
        reader.get(READ_TIMEOUT.plus(GRACE).toMillis() + 1000, TimeUnit.MILLISECONDS);
      }
    } finally {
      isOver = true;
      threads.shutdownNow();
    }
    assertTrue(threads.awaitTermination(10, TimeUnit.SECONDS), "a reader is stuck");
    synchronized (failures) {
      failures.forEach((what, count) -> System.out.println(count + " x " + what));
    }
    assertTrue(
        exact.get() > EXACT_SHARE_MIN * (exact.get() + failed.get()),
        () -> exact + " exact reads, " + failed + " failed");
    assertRecovery("readable", readable);
    assertRecovery("visible", visible);
  }

  private static void assertRecovery(String what, List<Long> millis) {
    List<Long> sorted = millis.stream().sorted().toList();
    System.out.println(what + " again after ms: " + sorted);
    long median = sorted.get((sorted.size() - 1) / 2);
    assertTrue(sorted.size() < 3 || median <= RECOVERY.toMillis(), what + " " + millis);
    assertTrue(sorted.get(sorted.size() - 1) <= LONGEST_RECOVERY.toMillis(), what + " " + millis);
  }

  /** Breaks requests for a while, in several ways one after another; returns the last. */
  private Storm.Kind storm(Random random, List<Future<?>> readers) throws Exception {
    Storm.Kind[] kinds = Storm.Kind.values();
    Storm.Kind kind = Storm.Kind.MIXED;
    long end = System.nanoTime() + STORM.toNanos();
    while (System.nanoTime() < end) {
      Random chosen = new Random(random.nextLong());
      proxy.heal();
      boolean isRefusing = random.nextInt(8) == 0;
      if (isRefusing) {
        proxy.refuse();
      }
      proxy.inject(new Storm(kind, chosen));
      writeFor(Duration.ofMillis(800 + random.nextInt(1500)), readers);
      if (System.nanoTime() < end) {
        kind = random.nextBoolean() ? Storm.Kind.MIXED : kinds[random.nextInt(kinds.length)];
      }
    }
    return kind;
  }

  private void writeFor(Duration time, List<Future<?>> readers) throws Exception {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      history.write();
      for (Future<?> reader : readers) {
        if (reader.isDone()) {
          reader.get();
        }
      }
      LockSupport.parkNanos(WRITE_INTERVAL.toNanos());
    }
  }

  private static long untilVisible(Replica replica, int txid, long from) {
    TestReplicas.await(() -> replica.published().orElseThrow().txid().value() >= txid);
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - from);
  }

  private long untilReadable(long from) {
    long last = from;
    for (int i = 0; i < READERS; i++) {
      int reader = i;
      TestReplicas.await(() -> firstAnswer.get(reader) != 0);
      last = Math.max(last, firstAnswer.get(reader));
    }
    return TimeUnit.NANOSECONDS.toMillis(last - from);
  }

  /** Reads pages of the latest view, of one it holds, or of fixed ones. */
  private final class Reader implements Callable<Void> {
    private final Replica replica;
    private final int number;
    private final Random random;

    Reader(Replica replica, int number, Random random) {
      this.replica = replica;
      this.number = number;
      this.random = random;
    }

    @Override
    public Void call() throws Exception {
      while (!isOver) {
        boolean isFixed = number % 4 == 3;
        Target target =
            isFixed
                ? new Target.AtTxid(SoakHistory.someTxid(history.txid(), 15, random))
                : new Target.Latest();
        Optional<View> view = pin(target);
        if (view.isPresent()) {
          // Some keep it for long, so that its files go meanwhile.
          int reads = number % 2 == 0 ? 10 : 500;
          Hold hold = replica.hold(view.get());
          boolean isReadable = true;
          for (int i = 0; i < reads && isReadable && !isOver; i++) {
            isReadable = read(view.get(), 1 + random.nextInt((int) view.get().commit()));
          }
          hold.close();
        }
      }
      return null;
    }

    private Optional<View> pin(Target target) throws Exception {
      long start = System.nanoTime();
      try {
        replica.requireSame();
        View view = replica.at(target, Patience.of(READ_TIMEOUT));
        inTime(start);
        assertEquals(history.commit(view.txid().value()), view.commit());
        return Optional.of(view);
      } catch (PlanException.NotReachable | ViewException.Gap e) {
        // Compaction has left this TXID out, or the listing did while it was made.
        inTime(start);
        note(e);
        return Optional.empty();
      } catch (ViewException.HistoryGone e) {
        // A listed file was said to be missing until the deadline.
        inTime(start);
        if (start >= calmFrom) {
          throw e;
        }
        note(e);
        return Optional.empty();
      } catch (IOException e) {
        take(e, start);
        return Optional.empty();
      }
    }

    /** Returns false if the view is not worth while any more. */
    private boolean read(View view, int pgno) throws Exception {
      ByteBuffer dst = ByteBuffer.allocate(SoakHistory.PAGE_SIZE);
      long txid = view.txid().value();
      Txid bound = view.pages().bound(pgno);
      List<LtxFileName> sources = new ArrayList<>(history.sources(txid, pgno, bound));
      long start = System.nanoTime();
      try {
        replica.read(view, pgno, dst, Patience.of(READ_TIMEOUT));
      } catch (ViewException.HistoryGone e) {
        inTime(start);
        sources.retainAll(history.sources(txid, pgno, bound));
        assertEquals(List.of(), sources, () -> "page " + pgno + ": " + e.getMessage());
        note(e);
        failed.incrementAndGet();
        // It is the truth: the storage has been asked.
        firstAnswer.compareAndSet(number, 0, System.nanoTime());
        return false;
      } catch (IOException e) {
        take(e, start);
        return true;
      }
      inTime(start);
      assertArrayEquals(
          history.page(txid, pgno), dst.array(), () -> "page " + pgno + " of " + view.txid());
      exact.incrementAndGet();
      firstAnswer.compareAndSet(number, 0, System.nanoTime());
      return true;
    }

    private void inTime(long start) {
      long nanos = System.nanoTime() - start;
      slowestNanos.accumulateAndGet(nanos, Math::max);
      assertTrue(
          nanos <= READ_TIMEOUT.plus(GRACE).toNanos(), () -> "took " + Duration.ofNanos(nanos));
    }

    /** Takes an error that may be; between the storms there is none. */
    private void take(IOException e, long start) throws IOException {
      inTime(start);
      boolean isKnown =
          e instanceof ReplicaException.Unavailable
              || e instanceof ReplicaException.Denied
              || e instanceof LtxFormatException;
      if (!isKnown || start >= calmFrom) {
        throw e;
      }
      failed.incrementAndGet();
      note(e);
    }

    private void note(IOException e) {
      synchronized (failures) {
        failures.merge(e.getClass().getSimpleName(), 1, Integer::sum);
      }
    }
  }
}
