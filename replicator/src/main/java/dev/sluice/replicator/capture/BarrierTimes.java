package dev.sluice.replicator.capture;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * For how long writers were kept out, each time. The times are counted in steps of at most an
 * eighth, so that what is known of a million of them takes 2 KB at most. Immutable.
 */
public final class BarrierTimes {
  /** Of a database without one. */
  public static final BarrierTimes NONE = new BarrierTimes(0, 0, 0, new long[0]);

  /** A power of two is cut into 2^3 steps. */
  private static final int STEP_BITS = 3;

  private static final int STEPS = 1 << STEP_BITS;
  private static final long MICROS_MAX = TimeUnit.SECONDS.toMicros(100);

  private final long count;
  private final long sumNanos;
  private final long maxNanos;

  /** How many there were of each step; what lies behind the last one has none. */
  private final long[] counts;

  private BarrierTimes(long count, long sumNanos, long maxNanos, long[] counts) {
    this.count = count;
    this.sumNanos = sumNanos;
    this.maxNanos = maxNanos;
    this.counts = counts;
  }

  /** Returns these and one more. */
  BarrierTimes with(long nanos) {
    int step = step(nanos);
    long[] more = Arrays.copyOf(counts, Math.max(counts.length, step + 1));
    more[step]++;
    return new BarrierTimes(count + 1, sumNanos + nanos, Math.max(maxNanos, nanos), more);
  }

  private static int step(long nanos) {
    long micros = Math.min(MICROS_MAX, TimeUnit.NANOSECONDS.toMicros(nanos));
    if (micros < STEPS) {
      return (int) micros;
    }
    int shift = Long.SIZE - 1 - Long.numberOfLeadingZeros(micros) - STEP_BITS;
    return shift * STEPS + (int) (micros >>> shift);
  }

  /** Returns where a step ends. */
  private static long endNanos(int step) {
    int shift = Math.max(0, step / STEPS - 1);
    return TimeUnit.MICROSECONDS.toNanos((step - shift * STEPS + 1L) << shift);
  }

  /** Returns how many there were. */
  public long count() {
    return count;
  }

  /** Returns all of them together. */
  public Duration sum() {
    return Duration.ofNanos(sumNanos);
  }

  /** Returns the longest; zero if there was none. */
  public Duration max() {
    return Duration.ofNanos(maxNanos);
  }

  /**
   * Returns what so many of a hundred did not pass, at most an eighth too much; zero if there was
   * none.
   */
  public Duration percentile(double percent) {
    long left = (long) Math.ceil(count * percent / 100);
    int step = 0;
    while (step < counts.length - 1 && left > counts[step]) {
      left -= counts[step];
      step++;
    }
    return Duration.ofNanos(Math.min(maxNanos, endNanos(step)));
  }

  @Override
  public String toString() {
    return count + ", p99 " + percentile(99) + ", max " + max();
  }
}
