package dev.sluice.replicator;

import dev.sluice.replicator.capture.CaptureBuffers;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of a replicator: as many for a thousand databases as for one. Thread-safe.
 *
 * <p>Steps take microseconds to a few milliseconds, and applications wait for them; what waits for
 * a disk or a storage is a job, which may keep its thread for long.
 */
final class Workers implements AutoCloseable {
  private static final int STEP_THREADS = Math.max(2, Runtime.getRuntime().availableProcessors());
  private static final int ATTACHING_THREADS = 4;
  private static final int LOCAL_THREADS = 4;
  private static final int STORAGE_THREADS = 16;
  private static final int ONE_STORAGE_THREADS = 8;
  private static final int LEVEL_THREADS = 4;
  private static final int ONE_LEVEL_THREADS = 2;
  private static final int SNAPSHOT_THREADS = 2;
  private static final int ONE_SNAPSHOT_THREADS = 1;
  private static final long IDLE_SECONDS = 60;
  private static final long END_MILLIS = 5_000;
  private static final long HURRIED_MILLIS = 1_000;

  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, factory("sluice-timer"));
  private final ExecutorService steps =
      Executors.newFixedThreadPool(STEP_THREADS, factory("sluice-capture"));
  private final ExecutorService attaching = pool(ATTACHING_THREADS, "sluice-attach");
  private final ExecutorService local = pool(LOCAL_THREADS, "sluice-spool");
  private final ExecutorService storage = pool(STORAGE_THREADS, "sluice-storage");
  private final StorageThreads storages = new StorageThreads(storage, ONE_STORAGE_THREADS);
  private final ExecutorService level = pool(LEVEL_THREADS, "sluice-levels");
  private final StorageThreads levels = new StorageThreads(level, ONE_LEVEL_THREADS);
  private final ExecutorService snapshot = pool(SNAPSHOT_THREADS, "sluice-snapshots");
  private final StorageThreads snapshots = new StorageThreads(snapshot, ONE_SNAPSHOT_THREADS);

  private final ChangeWatch watch = new ChangeWatch();
  private final CaptureBuffers buffers = new CaptureBuffers(STEP_THREADS);

  Workers() {
    timer.setRemoveOnCancelPolicy(true);
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  ScheduledThreadPoolExecutor timer() {
    return timer;
  }

  /** Returns who tells of changes. */
  ChangeWatch watch() {
    return watch;
  }

  CaptureBuffers buffers() {
    return buffers;
  }

  Executor steps() {
    return steps;
  }

  /** Returns the threads that open databases, and look for what was missed in them. */
  Executor attaching() {
    return attaching;
  }

  /** Returns the threads for what waits for a local disk only. */
  Executor local() {
    return local;
  }

  /** Returns the threads for what waits for a storage, which may hang. */
  Executor storage(String name) {
    return storages.of(name);
  }

  /** Returns the threads that compact and delete in a storage. */
  Executor levels(String name) {
    return levels.of(name);
  }

  /** Returns the threads that make snapshots, which may take hours. */
  Executor snapshots(String name) {
    return snapshots.of(name);
  }

  /** Whose threads end when they have had nothing to do for a while. */
  private static ExecutorService pool(int threads, String name) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            factory(name));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  private static ThreadFactory factory(String name) {
    AtomicInteger number = new AtomicInteger();
    return work -> {
      Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /**
   * Waits a moment for the end of what is under way. What may have the database's file is not
   * interrupted: that would close it, and with it drop the locks that this process has on the
   * database. What waits for a storage still has that moment, as leases are given back by it.
   */
  @Override
  public void close() {
    watch.close();
    timer.shutdownNow();
    steps.shutdown();
    attaching.shutdown();
    local.shutdown();
    storages.shutdown();
    levels.drop();
    snapshots.drop();
    try {
      await(List.of(timer, steps, attaching, local, storage, level, snapshot), END_MILLIS);
      storages.hurry();
      await(List.of(storage), HURRIED_MILLIS);
    } catch (InterruptedException e) {
      storages.hurry();
      Thread.currentThread().interrupt();
    }
  }

  private static void await(List<ExecutorService> ending, long millis) throws InterruptedException {
    long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (ExecutorService threads : ending) {
      threads.awaitTermination(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    }
  }
}
