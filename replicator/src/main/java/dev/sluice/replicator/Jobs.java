package dev.sluice.replicator;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Has what takes long for one database done on other threads, and its step woken when it is done.
 * Thread-safe.
 */
final class Jobs {
  private final Runnable wake;

  /** What takes long. */
  @FunctionalInterface
  interface Job<T> {
    T run() throws IOException;
  }

  /** What takes long and has no result. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  Jobs(Runnable wake) {
    this.wake = wake;
  }

  /** Has a job done; the future fails with what it throws. */
  <T> CompletableFuture<T> start(Executor threads, Job<T> job) {
    CompletableFuture<T> done = new CompletableFuture<>();
    try {
      threads.execute(
          () -> {
            try {
              done.complete(job.run());
            } catch (IOException | RuntimeException | Error e) {
              done.completeExceptionally(e);
            }
            wake.run();
          });
    } catch (RejectedExecutionException e) {
      done.completeExceptionally(new IOException("the replicator is closed", e));
    }
    return done;
  }

  /** As {@link #start}; the future completes with true. */
  CompletableFuture<Boolean> begin(Executor threads, Work work) {
    return start(
        threads,
        () -> {
          work.run();
          return true;
        });
  }
}
