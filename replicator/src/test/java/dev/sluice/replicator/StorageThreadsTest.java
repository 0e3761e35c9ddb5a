package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
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
      CountDownLatch begun = new CountDownLatch(SHARE);
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
                  begun.countDown();
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
      assertTrue(begun.await(30, TimeUnit.SECONDS), "its share is not used");
      hanging.countDown();
      assertTrue(done.await(30, TimeUnit.SECONDS), () -> done.getCount() + " were lost");
      assertEquals(SHARE, most.get());
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void whatWaitsBehindAStorageThatHangsIsDoneWhenAllEnds() throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(SHARE + 1);
    StorageThreads threads = new StorageThreads(pool, SHARE);
    CountDownLatch begun = new CountDownLatch(SHARE);
    CountDownLatch done = new CountDownLatch(20);
    for (int i = 0; i < 20; i++) {
      threads
          .of("s3://hangs")
          .execute(
              () -> {
                begun.countDown();
                await(new CountDownLatch(1));
                done.countDown();
              });
    }
    assertTrue(begun.await(30, TimeUnit.SECONDS));
    threads.shutdown();
    threads.hurry();
    assertTrue(pool.awaitTermination(30, TimeUnit.SECONDS));
    assertEquals(0, done.getCount());
  }

  @Test
  void whatWaitsHasItsTimeBetweenTheTwo() throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(1);
    StorageThreads threads = new StorageThreads(pool, 1);
    CountDownLatch begun = new CountDownLatch(1);
    AtomicInteger interrupted = new AtomicInteger();
    threads
        .of("s3://hangs")
        .execute(
            () -> {
              begun.countDown();
              await(new CountDownLatch(1));
              interrupted.addAndGet(Thread.currentThread().isInterrupted() ? 1 : 100);
            });
    for (int i = 0; i < 3; i++) {
      threads
          .of("s3://hangs")
          .execute(() -> interrupted.addAndGet(Thread.currentThread().isInterrupted() ? 100 : 0));
    }
    assertTrue(begun.await(30, TimeUnit.SECONDS));
    threads.shutdown();
    assertTrue(pool.awaitTermination(30, TimeUnit.SECONDS));
    assertEquals(1, interrupted.get());
  }

  @Test
  void whatWaitsIsDoneThoughNoThreadCanBeBegun() throws InterruptedException {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(2, 2, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>()) {
          private int accepted;

          @Override
          public synchronized void execute(Runnable work) {
            if (++accepted > 1) {
              throw new OutOfMemoryError("unable to create native thread: of a test");
            }
            super.execute(work);
          }
        };
    try {
      StorageThreads threads = new StorageThreads(pool, 1);
      CountDownLatch all = new CountDownLatch(1);
      CountDownLatch done = new CountDownLatch(5);
      for (int i = 0; i < 5; i++) {
        boolean isFailing = i % 2 == 0;
        threads
            .of("s3://b")
            .execute(
                () -> {
                  await(all);
                  done.countDown();
                  if (isFailing) {
                    throw new StackOverflowError("of a test");
                  }
                });
      }
      all.countDown();
      assertTrue(done.await(30, TimeUnit.SECONDS), () -> done.getCount() + " were lost");
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void whatIsDroppedIsNotDone() throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(1);
    StorageThreads threads = new StorageThreads(pool, 1);
    CountDownLatch begun = new CountDownLatch(1);
    AtomicInteger done = new AtomicInteger();
    for (int i = 0; i < 3; i++) {
      threads
          .of("s3://hangs")
          .execute(
              () -> {
                begun.countDown();
                await(new CountDownLatch(1));
                done.incrementAndGet();
              });
    }
    assertTrue(begun.await(30, TimeUnit.SECONDS));
    threads.drop();
    assertTrue(pool.awaitTermination(30, TimeUnit.SECONDS));
    assertEquals(1, done.get());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
