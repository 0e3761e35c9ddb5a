package dev.sluice.cache.bulk;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long a reading has waited for nothing but its storage: while something that came is decoded
 * or taken, and while the sink is told something, no time counts. Confined to one thread at a time.
 */
final class Patience {
  private final Stall stall;
  private int holds;

  Patience(Duration limit, LongSupplier ticker) {
    stall = new Stall(limit, ticker);
    stall.beginWait();
  }

  /** Stops the clock until {@link #release} was called as often. */
  void hold() {
    if (holds == 0) {
      stall.endWait();
    }
    holds++;
  }

  void release() {
    holds--;
    if (holds == 0) {
      stall.beginWait();
    }
  }

  /** Something new has come. */
  void renew() {
    hold();
    stall.reset();
    release();
  }

  boolean isOver() {
    hold();
    boolean isOver = stall.isOver();
    release();
    return isOver;
  }

  /** Returns how much is left. */
  Duration left() {
    hold();
    Duration left = stall.deadline().remaining();
    release();
    return left;
  }
}
