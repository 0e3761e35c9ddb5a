package dev.sluice.replicator.levels;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Notices when the wall clock is set, by a ticker that nobody sets. A host that slept is one whose
 * clock was set forward: the ticker slept, too. Confined to whoever holds its owner's lock.
 */
final class ClockWatch {
  /** Less is the two clocks' drift, and a thread that was kept from running between two looks. */
  private static final Duration STEP_MIN = Duration.ofSeconds(10);

  private final InstantSource clock;
  private final LongSupplier ticker;
  private Instant then;
  private long thenNanos;

  /**
   * @param ticker nanoseconds of any beginning, as {@link System#nanoTime}
   */
  ClockWatch(InstantSource clock, LongSupplier ticker) {
    this.clock = clock;
    this.ticker = ticker;
    this.then = clock.instant();
    this.thenNanos = ticker.getAsLong();
  }

  /** Returns by how much the clock was set since the last time that it was; mostly zero. */
  Duration step() {
    Instant now = clock.instant();
    long nanos = ticker.getAsLong();
    Duration step = Duration.between(then, now).minusNanos(nanos - thenNanos);
    if (isDrift(step)) {
      return Duration.ZERO;
    }
    then = now;
    thenNanos = nanos;
    return step;
  }

  private static boolean isDrift(Duration step) {
    return step.abs().compareTo(STEP_MIN) < 0;
  }

  /** Returns the time; as if the clock had not been set, until {@link #step} has told of it. */
  Instant now() {
    Instant now = clock.instant();
    Instant unset = then.plusNanos(ticker.getAsLong() - thenNanos);
    return isDrift(Duration.between(unset, now)) ? now : unset;
  }

  /** Returns when the ticker said {@code nanos}, by the clock as {@link #now} takes it. */
  Instant at(long nanos) {
    return now().minusNanos(ticker.getAsLong() - nanos);
  }
}
