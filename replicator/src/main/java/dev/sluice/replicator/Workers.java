package dev.sluice.replicator;

import dev.sluice.replicator.capture.CaptureBuffers;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
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
  private static final int JOB_THREADS = 8;
  private static final int LEVEL_THREADS = 2;
  private static final long END_MILLIS = 5_000;

  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, factory("sluice-timer"));
  private final ExecutorService steps =
      Executors.newFixedThreadPool(STEP_THREADS, factory("sluice-capture"));
  private final ExecutorService jobs =
      Executors.newFixedThreadPool(JOB_THREADS, factory("sluice-job"));

  private final ExecutorService levels =
      Executors.newFixedThreadPool(LEVEL_THREADS, factory("sluice-levels"));

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

  Executor jobs() {
    return jobs;
  }

  Executor levels() {
    return levels;
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
   * Waits a moment for the end of what is under way. A job is not interrupted: that would close the
   * database's file under it, and with it drop the locks that this process has on the database.
   */
  @Override
  public void close() {
    watch.close();
    timer.shutdownNow();
    steps.shutdown();
    jobs.shutdown();
    levels.shutdownNow();
    try {
      long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_MILLIS);
      for (ExecutorService threads : new ExecutorService[] {timer, steps, jobs, levels}) {
        threads.awaitTermination(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
