package dev.sluice.replicator;

import java.time.Duration;

/**
 * How many uploads are paid for: in the long run one an interval, and after a pause a burst. Time
 * is what {@link System#nanoTime} says. Confined to one thread at a time.
 */
final class TokenBucket {
  private final long intervalNanos;
  private final int tokensMax;
  private long fullNanos;

  /**
   * Begins full.
   *
   * @param interval in which one token comes; none is ever lacking if it is zero
   * @param tokensMax how many are kept
   */
  TokenBucket(Duration interval, int tokensMax, long nowNanos) {
    this.intervalNanos = interval.toNanos();
    this.tokensMax = tokensMax;
    this.fullNanos = nowNanos;
  }

  /** Takes a token if there is one. */
  boolean take(long nowNanos) {
    if (waitNanos(nowNanos) > 0) {
      return false;
    }
    long full = fullNanos - nowNanos > 0 ? fullNanos : nowNanos;
    fullNanos = full + intervalNanos;
    return true;
  }

  /** Returns how long it takes until there is a token; 0 if there is one. */
  long waitNanos(long nowNanos) {
    // It is full at fullNanos, so one is there tokensMax - 1 intervals before.
    return Math.max(0, fullNanos - nowNanos - (tokensMax - 1) * intervalNanos);
  }
}
