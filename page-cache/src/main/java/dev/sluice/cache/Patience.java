package dev.sluice.cache;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * How a caller's thread waits: no longer than a limit, and no longer once its caller has called it
 * off. Immutable.
 *
 * @param limit above 0
 * @param isCancelled asked at least every 50 ms while the thread waits, on that thread; when it
 *     says so the wait ends with an {@link java.io.InterruptedIOException}, and what was waited for
 *     goes on for others
 */
public record Patience(Duration limit, BooleanSupplier isCancelled) {

  /** Returns a patience that nobody calls off. */
  public static Patience of(Duration limit) {
    return new Patience(limit, () -> false);
  }
}
