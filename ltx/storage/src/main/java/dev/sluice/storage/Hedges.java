package dev.sluice.storage;

import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * How many attempts may be made beside others that wait: one for each four calls that needed none,
 * and no more than fifty saved up. So a request that hangs now and then is helped at once, and a
 * storage that is slow for everybody is not asked for everything twice.
 *
 * <p>Where no call at all has been answered for two delays of attempts beside there is a silence,
 * and what is saved is kept: one probe in half a delay to a whole one, for all who wait, is enough
 * to notice that the storage answers again. It is made even if nothing is saved. Then each of those
 * who waited is told, and may go at once, once. Where it turns out time and again that what was
 * waited for was only slow, the time that makes a silence doubles.
 *
 * <p>Thread-safe: what changes is under a private lock; those who wait are told outside of it.
 */
public final class Hedges {
  private static final int SHARE = 4;
  private static final int SAVED_MAX = 50 * SHARE;

  /** How long the quiet lasts that makes it a silence, in delays of attempts beside. */
  private static final int SILENCE_DELAYS = 2;

  private static final int DOUBLINGS_MAX = 6;

  private final Object lock = new Object();
  private final RequestMeter meter;
  private final Set<Runnable> waiting = new HashSet<>();
  private int saved = SAVED_MAX;
  private int inVain;
  private OptionalLong quietSinceNanos = OptionalLong.empty();
  private OptionalLong probedNanos = OptionalLong.empty();

  /** Takes what counts them. */
  public Hedges(RequestMeter meter) {
    this.meter = meter;
  }

  /**
   * Takes one if there is one; in a silence, if a probe is due.
   *
   * @param delayNanos the delay of attempts beside
   * @param whenAnswered is run, once, at the end of the silence because of which there is none;
   *     until {@link #forget}
   */
  boolean take(long nowNanos, long delayNanos, Runnable whenAnswered) {
    boolean isTaken;
    synchronized (lock) {
      if (quietSinceNanos.isEmpty()) {
        quietSinceNanos = OptionalLong.of(nowNanos);
      }
      boolean isSilent = isSilent(nowNanos, delayNanos);
      // Whoever probed is asked for the next one a hair before it is due, now and then.
      boolean isProbeDue =
          probedNanos.isEmpty() || nowNanos - probedNanos.getAsLong() >= delayNanos / 2;
      boolean hasSaved = saved >= SHARE;
      isTaken = isSilent ? isProbeDue : hasSaved;
      if (isTaken) {
        saved -= hasSaved ? SHARE : 0;
        probedNanos = isSilent ? OptionalLong.of(nowNanos) : probedNanos;
      }
      if (isSilent) {
        waiting.add(whenAnswered);
      }
    }
    if (isTaken) {
      meter.countHedge();
    }
    return isTaken;
  }

  /**
   * Takes one for somebody who was told that a silence is over, even if nothing is saved: what was
   * sent before that may never be answered.
   */
  void takeOnceTold() {
    synchronized (lock) {
      saved = Math.max(0, saved - SHARE);
    }
    meter.countHedge();
  }

  /** Called under the lock. */
  private boolean isSilent(long nowNanos, long delayNanos) {
    long silence = (SILENCE_DELAYS * delayNanos) << inVain;
    return quietSinceNanos.isPresent() && nowNanos - quietSinceNanos.getAsLong() >= silence;
  }

  /**
   * Has somebody told, once, when a silence ends; until {@link #forget}. Where others are answered
   * meanwhile there is none.
   */
  void await(Runnable whenAnswered) {
    synchronized (lock) {
      waiting.add(whenAnswered);
    }
  }

  /** Takes back that somebody is to be told. */
  void forget(Runnable whenAnswered) {
    synchronized (lock) {
      waiting.remove(whenAnswered);
    }
  }

  /** Notes that the storage has answered a call; what was told does not matter. */
  void answered(long nowNanos, long delayNanos) {
    List<Runnable> told = List.of();
    synchronized (lock) {
      if (isSilent(nowNanos, delayNanos)) {
        told = List.copyOf(waiting);
        waiting.clear();
      }
      quietSinceNanos = OptionalLong.of(nowNanos);
    }
    told.forEach(Runnable::run);
  }

  /** Notes that a call was answered before another attempt was due. */
  void answeredInTime() {
    synchronized (lock) {
      saved = Math.min(SAVED_MAX, saved + 1);
    }
  }

  /**
   * Notes that of two attempts the one beside was answered, so that it was worth while. To be
   * called before {@link #answered}, as the other.
   */
  void besideWasFirst() {
    synchronized (lock) {
      inVain = 0;
    }
  }

  /**
   * Notes that of two attempts the older one was answered: where there was a silence it is slow.
   */
  void besideWasInVain(long nowNanos, long delayNanos) {
    synchronized (lock) {
      if (isSilent(nowNanos, delayNanos)) {
        inVain = Math.min(DOUBLINGS_MAX, inVain + 1);
      }
    }
  }
}
