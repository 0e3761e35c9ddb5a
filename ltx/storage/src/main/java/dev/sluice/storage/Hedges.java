package dev.sluice.storage;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many attempts may be made beside others that wait: one for each four calls that needed none,
 * and no more than fifty saved up. So a request that hangs now and then is helped at once, and a
 * storage that is slow for everybody is not asked for everything twice. Thread-safe.
 */
public final class Hedges {
  private static final int SHARE = 4;
  private static final int SAVED_MAX = 50 * SHARE;

  private final RequestMeter meter;
  private final AtomicInteger saved = new AtomicInteger(SAVED_MAX);

  /** Takes what counts them. */
  public Hedges(RequestMeter meter) {
    this.meter = meter;
  }

  /** Takes one if there is one. */
  boolean take() {
    boolean isTaken = saved.getAndUpdate(now -> now < SHARE ? now : now - SHARE) >= SHARE;
    if (isTaken) {
      meter.countHedge();
    }
    return isTaken;
  }

  /** Notes that a call was answered before another attempt was due. */
  void answeredInTime() {
    saved.updateAndGet(now -> Math.min(SAVED_MAX, now + 1));
  }
}
