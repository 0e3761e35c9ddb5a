package dev.sluice.cache;

import dev.sluice.cache.bulk.Pace;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/**
 * Has hydration ask for no more than so many bytes a second, and step back while somebody waits for
 * a page, but not for ever. Thread-safe.
 */
final class HydrationPace implements Pace {
  private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long YIELD_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(100);

  private final long bytesPerSecond;
  private final IntSupplier waiting;
  private final LongSupplier ticker;
  private long yieldedSince;
  private boolean isYielding;
  private long freeNanos;

  /**
   * @param bytesPerSecond above 0
   * @param waiting how many wait for a page now
   */
  HydrationPace(long bytesPerSecond, IntSupplier waiting, LongSupplier ticker) {
    this.bytesPerSecond = bytesPerSecond;
    this.waiting = waiting;
    this.ticker = ticker;
    this.freeNanos = ticker.getAsLong();
  }

  @Override
  public synchronized long waitNanos(long bytes) {
    long now = ticker.getAsLong();
    if (waiting.getAsInt() > 0) {
      if (!isYielding) {
        isYielding = true;
        yieldedSince = now;
      }
      if (now - yieldedSince < YIELD_NANOS_MAX) {
        return STEP_NANOS;
      }
    }
    if (now - freeNanos < 0) {
      return freeNanos - now;
    }
    isYielding = false;
    double seconds = (double) bytes / bytesPerSecond;
    freeNanos = now + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    return 0;
  }
}
