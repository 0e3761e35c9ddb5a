package dev.sluice.storage;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * An instant on a monotonic clock after which nobody waits any more. Immutable.
 *
 * @param nanoTime when, on the ticker's scale
 * @param ticker nanoseconds that never go back, {@link System#nanoTime} outside of tests
 */
public record Deadline(long nanoTime, LongSupplier ticker) {
  private static final Duration LONGEST = Duration.ofDays(365L * 100);

  /**
   * Returns the deadline that lies {@code wait} from now; a hundred years are as long as for ever.
   */
  public static Deadline after(Duration wait, LongSupplier ticker) {
    Duration bounded = wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    return new Deadline(ticker.getAsLong() + bounded.toNanos(), ticker);
  }

  /** Returns how long it is until then, zero if it has passed. */
  public Duration remaining() {
    return Duration.ofNanos(remainingNanos());
  }

  /** Returns {@link #remaining()} in nanoseconds. */
  public long remainingNanos() {
    return Math.max(0, nanoTime - ticker.getAsLong());
  }

  public boolean hasPassed() {
    return remainingNanos() == 0;
  }
}
