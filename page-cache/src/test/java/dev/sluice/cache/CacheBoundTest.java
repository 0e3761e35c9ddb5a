package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory stays bounded however large the replica is. */
class CacheBoundTest {
  private static final int PAGE_SIZE = 4096;
  private static final int COMMIT = 4000;
  private static final long CACHE_BYTES = 2_000_000;
  private static final int THREADS = 4;
  private static final int READS = 6000;

  @TempDir Path dir;

  private static byte[] page(long pgno, long txid) {
    byte[] page = new byte[PAGE_SIZE];
    new Random(pgno * 31 + txid).nextBytes(page);
    return page;
  }

  @Test
  void randomReadsOfALargeReplicaKeepTheCacheWithinItsBound() throws Exception {
    TreeMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno = 1; pgno <= COMMIT; pgno++) {
      pages.put(pgno, page(pgno, 1));
    }
    TestReplicas.write(dir, 9, TestReplicas.header(PAGE_SIZE, COMMIT, 1, 1), pages);
    TreeMap<Long, byte[]> changed = new TreeMap<>();
    for (long pgno = 3; pgno <= COMMIT; pgno += 7) {
      changed.put(pgno, page(pgno, 2));
    }
    TestReplicas.write(dir, 0, TestReplicas.header(PAGE_SIZE, COMMIT, 2, 2), changed);
    pages.putAll(changed);
    ReplicaOptions options = TestReplicas.options(dir).withPageCacheBytes(CACHE_BYTES);
    ExecutorService readers = Executors.newFixedThreadPool(THREADS);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options);
      View view = replica.latest();
      assertTrue(replica.cachedBytes() <= CACHE_BYTES, replica.cachedBytes() + " bytes");
      List<Future<Long>> peaks = new ArrayList<>();
      for (int seed = 0; seed < THREADS; seed++) {
        Random random = new Random(seed);
        peaks.add(readers.submit(() -> peakOf(replica, view, pages, random)));
      }
      long peak = 0;
      for (Future<Long> one : peaks) {
        peak = Math.max(peak, one.get());
      }
      // A page counts as soon as it is put and is paid for after that, by the thread that put it.
      long underWay = (long) THREADS * (PAGE_SIZE + FrameCache.ENTRY_OVERHEAD_BYTES);
      assertTrue(peak <= CACHE_BYTES + underWay, peak + " bytes");
      assertTrue(replica.cachedBytes() <= CACHE_BYTES, replica.cachedBytes() + " bytes");
      peakOf(replica, view, pages, new Random(THREADS));
      assertTrue(replica.cachedBytes() <= CACHE_BYTES, replica.cachedBytes() + " bytes");
      assertTrue(peak > CACHE_BYTES / 2, "not filled: " + peak + " bytes");
      assertEquals(CACHE_BYTES, replica.pageCacheBytes());
    } finally {
      readers.shutdownNow();
    }
  }

  private static long peakOf(Replica replica, View view, Map<Long, byte[]> pages, Random random)
      throws IOException {
    long peak = 0;
    ByteBuffer dst = ByteBuffer.allocate(PAGE_SIZE);
    for (int i = 0; i < READS; i++) {
      long pgno = 1L + random.nextInt(COMMIT);
      replica.read(view, pgno, dst.clear());
      assertArrayEquals(pages.get(pgno), dst.array(), "page " + pgno);
      if (i % 20 == 0) {
        peak = Math.max(peak, replica.cachedBytes());
      }
    }
    return peak;
  }
}
