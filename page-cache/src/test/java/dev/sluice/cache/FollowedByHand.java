package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * A replica in a directory that is followed by hand, look by look, on a clock that stands still
 * otherwise. For one test at a time.
 */
abstract class FollowedByHand {
  static final int PAGE_SIZE = 512;
  static final Duration LOOK_AT_ALL = Duration.ofSeconds(30);

  @TempDir Path dir;
  @TempDir Path side;

  final AtomicLong nanos = new AtomicLong();
  final List<String> told = new ArrayList<>();
  private final ReplicaListener listener =
      new ReplicaListener() {
        @Override
        public void published(Replica replica, View view) {
          told.add("published " + view.txid().value());
        }

        @Override
        public void relocated(Replica replica, long pages) {
          told.add("relocated " + pages);
        }

        @Override
        public void rescued(Replica replica, long pages) {
          told.add("rescued " + pages);
        }

        @Override
        public void ended(Replica replica, ViewException reason) {
          told.add("ended " + reason.getClass().getSimpleName());
          throw new IllegalStateException("what a listener throws changes nothing");
        }
      };

  /** Files that are listed and are not there. */
  final Set<LtxFileName> absent = ConcurrentHashMap.newKeySet();

  /** Absent files of which nothing is heard any more once that was said. */
  final Set<LtxFileName> fallingSilent = ConcurrentHashMap.newKeySet();

  private final Set<LtxFileName> silent = ConcurrentHashMap.newKeySet();

  /** Files of which a byte is flipped whenever they are read. */
  final Set<LtxFileName> damaged = ConcurrentHashMap.newKeySet();

  final AtomicInteger damagedReads = new AtomicInteger();

  /** What happens, once, between the question for a complete listing and its answer. */
  final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});

  final Replicas replicas =
      new Replicas(
          url ->
              new ForwardingReplicaClient(ReplicaClients.open(url, name -> Optional.empty())) {
                @Override
                public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
                  if (level == LtxFileName.SNAPSHOT_LEVEL) {
                    meanwhile.getAndSet(() -> {}).run();
                  }
                  return super.list(level, from);
                }

                @Override
                public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
                  if (silent.contains(file.name())) {
                    return new CompletableFuture<>();
                  }
                  return absent.contains(file.name())
                      ? missing(file)
                      : super.read(file, offset, length).thenApply(bytes -> sent(file, bytes));
                }
              },
          TestReplicas.MEMORY,
          ReplicaSetup.standard(listener).withTicker(nanos::get).with(Following.BY_HAND));

  private <T> CompletableFuture<T> missing(LtxFile file) {
    if (fallingSilent.remove(file.name())) {
      silent.add(file.name());
    }
    return CompletableFuture.failedFuture(
        new ReplicaException.NotFound("no such file: " + file.name()));
  }

  private byte[] sent(LtxFile file, byte[] bytes) {
    if (damaged.contains(file.name())) {
      damagedReads.incrementAndGet();
      bytes[bytes.length - 20] ^= 1;
    }
    return bytes;
  }

  @AfterEach
  void close() {
    replicas.close();
  }

  /** Nothing is cached, so that each read asks the storage. */
  ReplicaOptions options() {
    return TestReplicas.options(dir, Duration.ofSeconds(20))
        .withPageCacheBytes(1)
        .withCacheDirectory(side);
  }

  Replica open() throws IOException {
    Replica replica = replicas.acquire(options());
    replica.latest();
    replica.poll();
    return replica;
  }

  void lookAtAll(Replica replica) {
    nanos.addAndGet(LOOK_AT_ALL.toNanos());
    replica.poll();
  }

  Path write(int level, long min, long max, long commit, String pages) throws IOException {
    return write(PAGE_SIZE, level, min, max, commit, pages);
  }

  /** Writes a file with pages {@code pgno=seed}. */
  Path write(int pageSize, int level, long min, long max, long commit, String pages)
      throws IOException {
    TreeMap<Long, byte[]> content = new TreeMap<>();
    for (String each : pages.split(" ", -1)) {
      if (!each.isEmpty()) {
        long pgno = Long.parseLong(each.substring(0, each.indexOf('=')));
        long seed = Long.parseLong(each.substring(each.indexOf('=') + 1));
        content.put(pgno, page(pageSize, pgno, seed));
      }
    }
    return TestReplicas.write(dir, level, TestReplicas.header(pageSize, commit, min, max), content);
  }

  void delete(int level, long min, long max) throws IOException {
    Files.delete(TestReplicas.file(dir, level, min, max));
  }

  static byte[] page(int pageSize, long pgno, long seed) {
    byte[] page = new byte[pageSize];
    new Random(pgno * 1000 + seed).nextBytes(page);
    return page;
  }

  static void assertPages(Replica replica, View view, int... seeds) throws IOException {
    assertEquals(seeds.length, view.commit());
    for (int i = 0; i < seeds.length; i++) {
      assertArrayEquals(
          page(view.pageSize(), i + 1, seeds[i]),
          TestReplicas.page(replica, view, i + 1),
          "page " + (i + 1) + " of " + view);
    }
  }

  static View latest(Replica replica) {
    return replica.published().orElseThrow();
  }

  static void assertTrouble(Replica replica, String part) {
    String trouble = replica.lastError().orElse("none");
    assertTrue(trouble.contains(part), trouble);
  }
}
