package dev.sluice.replicator;

import java.util.concurrent.TimeUnit;

/**
 * Whether an application commits so often that there is something to take at nearly every look.
 * Time is what {@link System#nanoTime} says. Confined to one thread at a time.
 */
final class Busyness {
  private static final int LOOKS = 8;

  /** Of looks that follow each other closely. */
  private static final long CLOSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private boolean isBusy;
  private int successes;
  private long foundNanos;

  boolean isBusy() {
    return isBusy;
  }

  /** Takes note of a look and what it found; returns whether {@link #isBusy} has changed. */
  boolean isChangedBy(long frames, long nowNanos) {
    boolean before = isBusy;
    if (frames > 0) {
      successes = nowNanos - foundNanos < CLOSE_NANOS ? successes + 1 : 1;
      foundNanos = nowNanos;
      isBusy |= successes >= LOOKS;
    } else if (nowNanos - foundNanos >= REST_NANOS) {
      isBusy = false;
      successes = 0;
    }
    return isBusy != before;
  }

  /** Begins anew, as if nothing had been found. */
  void forget() {
    isBusy = false;
    successes = 0;
  }
}
