package dev.sluice.cache.bulk;

import java.io.IOException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of one reading that parse and decode, and the arrays that they decode into. They are
 * never interrupted. Thread-safe.
 */
final class Workers {
  private final ExecutorService threads;
  private final ConcurrentLinkedQueue<RunDecoder> decoders = new ConcurrentLinkedQueue<>();
  private volatile boolean isEnding;

  /** Something to do on one of the threads, and what the reading hears then. */
  @FunctionalInterface
  interface Job {
    Event run() throws IOException;
  }

  Workers(String name, int count) {
    AtomicInteger number = new AtomicInteger();
    threads =
        Executors.newFixedThreadPool(
            count,
            work -> {
              Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  void run(Runnable job) {
    threads.execute(job);
  }

  /** Returns whether what is being done is of use to nobody any more. */
  boolean isEnding() {
    return isEnding;
  }

  /** Lends a decoder until {@link #give}. */
  RunDecoder take() {
    RunDecoder free = decoders.poll();
    return free == null ? new RunDecoder() : free;
  }

  void give(RunDecoder decoder) {
    decoders.add(decoder);
  }

  /** Waits until what is being done has ended, and has nothing else begin. */
  void end() {
    isEnding = true;
    threads.shutdown();
    boolean isInterrupted = false;
    boolean isEnded = false;
    while (!isEnded) {
      try {
        isEnded = threads.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
