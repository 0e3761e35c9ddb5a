package dev.sluice.cache.store;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a store is written to: not for a minute after a failure, and never again once it was
 * stopped. The first failure is told, the others are not. Thread-safe.
 */
final class Activity {
  /** Of the whole store: who reads a log knows that name. */
  private static final Logger log = LoggerFactory.getLogger(PageStore.class);

  private static final long RETRY_NANOS = 60_000_000_000L;

  private final String name;
  private final LongSupplier ticker;
  private final AtomicBoolean isTold = new AtomicBoolean();
  private volatile long failedNanos;
  private volatile boolean hasFailed;
  private volatile boolean isStopped;

  /**
   * @param name of the store, for messages
   * @param ticker nanoseconds that never go back
   */
  Activity(String name, LongSupplier ticker) {
    this.name = name;
    this.ticker = ticker;
  }

  /** Returns whether nothing is to be written just now. */
  boolean isResting() {
    return hasFailed && isRecent(failedNanos);
  }

  /** Returns the ticker's time, for {@link #isRecent}. */
  long now() {
    return ticker.getAsLong();
  }

  /** Returns whether a failure was so short a time ago that nobody tries again. */
  boolean isRecent(long nanos) {
    return ticker.getAsLong() - nanos < RETRY_NANOS;
  }

  boolean isStopped() {
    return isStopped;
  }

  /** Says that nothing is to be written any more; who has begun may still be about it. */
  void stop() {
    isStopped = true;
  }

  /** Has the store rest. */
  void failed(String what, IOException failure) {
    failedNanos = now();
    hasFailed = true;
    tell(what, failure);
  }

  /** Tells of a failure that is not one of writing. */
  void tell(String what, IOException failure) {
    if (!isStopped && isTold.compareAndSet(false, true)) {
      log.warn(
          "page store {}: {}: {}; pages are read from the replica as before",
          name,
          what,
          failure.getMessage());
    }
  }
}
