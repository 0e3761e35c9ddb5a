package dev.sluice.cache.restore;

import dev.sluice.storage.Deadline;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long a restore has waited for its storage without any new byte: what it does with the bytes,
 * on a slow disk or in a listener, does not count. Confined to one thread at a time.
 */
final class Stall {
  private final Duration limit;
  private final LongSupplier ticker;
  private long leftNanos;
  private long waitingSince;

  Stall(Duration limit, LongSupplier ticker) {
    this.limit = limit;
    this.ticker = ticker;
    this.leftNanos = limit.toNanos();
  }

  void beginWait() {
    waitingSince = ticker.getAsLong();
  }

  void endWait() {
    leftNanos = Math.max(0, leftNanos - (ticker.getAsLong() - waitingSince));
  }

  /** Something new has come: the whole limit holds again. */
  void reset() {
    leftNanos = limit.toNanos();
  }

  boolean isOver() {
    return leftNanos == 0;
  }

  /** Returns when it is over if nothing comes from now on. */
  Deadline deadline() {
    return Deadline.after(Duration.ofNanos(leftNanos), ticker);
  }
}
