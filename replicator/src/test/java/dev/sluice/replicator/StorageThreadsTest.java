package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class StorageThreadsTest {
  private static final int SHARE = 3;

  @Test
  void storageThatHangsKeepsNoMoreThanItsShare() throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(SHARE + 1);
    try {
      StorageThreads threads = new StorageThreads(pool, SHARE);
      CountDownLatch hanging = new CountDownLatch(1);
      CountDownLatch done = new CountDownLatch(100);
      AtomicInteger most = new AtomicInteger();
      AtomicInteger now = new AtomicInteger();
      for (int i = 0; i < 100; i++) {
        threads
            .of("s3://hangs")
            .execute(
                () -> {
                  most.accumulateAndGet(now.incrementAndGet(), Math::max);
                  await(hanging);
                  now.decrementAndGet();
                  done.countDown();
                });
      }
      CountDownLatch other = new CountDownLatch(100);
      for (int i = 0; i < 100; i++) {
        threads.of("file://").execute(other::countDown);
      }
      assertTrue(other.await(30, TimeUnit.SECONDS), "the other storage is waited for");
      hanging.countDown();
      assertTrue(done.await(30, TimeUnit.SECONDS), () -> done.getCount() + " were lost");
      assertEquals(SHARE, most.get());
    } finally {
      pool.shutdownNow();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
