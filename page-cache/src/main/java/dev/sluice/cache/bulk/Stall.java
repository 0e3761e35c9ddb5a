package dev.sluice.cache.bulk;

import dev.sluice.storage.Deadline;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long somebody has waited for a storage without any new byte: what is done with the bytes, on
 * a slow disk or in a listener, does not count. Confined to one thread at a time.
 */
public final class Stall {
  private final Duration limit;
  private final LongSupplier ticker;
  private long leftNanos;
  private long waitingSince;

  public Stall(Duration limit, LongSupplier ticker) {
    this.limit = limit;
    this.ticker = ticker;
    this.leftNanos = limit.toNanos();
  }

  public void beginWait() {
    waitingSince = ticker.getAsLong();
  }

  public void endWait() {
    leftNanos = Math.max(0, leftNanos - (ticker.getAsLong() - waitingSince));
  }

  /** Something new has come: the whole limit holds again. */
  public void reset() {
    leftNanos = limit.toNanos();
  }

  public boolean isOver() {
    return leftNanos == 0;
  }

  /** Returns when it is over if nothing comes from now on. */
  public Deadline deadline() {
    return Deadline.after(Duration.ofNanos(leftNanos), ticker);
  }
}
