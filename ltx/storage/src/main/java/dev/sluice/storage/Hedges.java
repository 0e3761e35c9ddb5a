package dev.sluice.storage;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * How many attempts may be made beside others that wait: one for each four calls that needed none,
 * and no more than fifty saved up. So a request that hangs now and then is helped at once, and a
 * storage that is slow for everybody is not asked for everything twice.
 *
 * <p>Where somebody has waited for two delays of attempts beside, and nobody was answered
 * meanwhile, there is a silence, and what is saved is kept: one probe in half a delay to a whole
 * one, for all who wait, is enough to notice that the storage answers again. It is made even if
 * nothing is saved. Then those who waited are told, eight at each answer, and may go at once, once.
 * Where what was waited for was only slow, the time that makes a silence doubles, until calls need
 * no attempt beside again.
 *
 * <p>Thread-safe: what changes is under a private lock; those who wait are told outside of it.
 */
public final class Hedges {
  private static final int SHARE = 4;
  private static final int SAVED_MAX = 50 * SHARE;

  /** How long the quiet lasts that makes it a silence, in delays of attempts beside. */
  private static final int SILENCE_DELAYS = 2;

  private static final int DOUBLINGS_MAX = 6;
  private static final int TOLD_AT_ONCE = 8;

  private final Object lock = new Object();
  private final RequestMeter meter;
  private final Set<Runnable> waiting = new LinkedHashSet<>();
  private int saved = SAVED_MAX;
  private int inVain;
  private OptionalLong answeredNanos = OptionalLong.empty();

  /** Whether somebody has met a silence of which not all who waited in it were told the end. */
  private boolean isSilent;

  private OptionalLong probedNanos = OptionalLong.empty();

  /** Takes what counts them. */
  public Hedges(RequestMeter meter) {
    this.meter = meter;
  }

  /**
   * How long somebody has waited.
   *
   * @param nowNanos by the clock of all
   * @param sinceNanos when the call began
   * @param delayNanos the delay of attempts beside
   */
  record Waited(long nowNanos, long sinceNanos, long delayNanos) {}

  /**
   * Takes one if there is one; in a silence, if a probe is due.
   *
   * @param whenAnswered is run, once, at the end of the silence because of which there is none;
   *     until {@link #forget}
   */
  boolean take(Waited waited, Runnable whenAnswered) {
    boolean isTaken;
    synchronized (lock) {
      boolean isQuiet = isQuiet(waited);
      isSilent |= isQuiet;
      // Whoever probed is asked for the next one a hair before it is due, now and then.
      boolean isProbeDue =
          probedNanos.isEmpty()
              || waited.nowNanos() - probedNanos.getAsLong() >= waited.delayNanos() / 2;
      boolean hasSaved = saved >= SHARE;
      isTaken = isQuiet ? isProbeDue : hasSaved;
      if (isTaken) {
        saved -= hasSaved ? SHARE : 0;
        probedNanos = isQuiet ? OptionalLong.of(waited.nowNanos()) : probedNanos;
      }
      if (isQuiet) {
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
  private boolean isQuiet(Waited waited) {
    long silence = (SILENCE_DELAYS * waited.delayNanos()) << inVain;
    long sinceAnswer =
        answeredNanos.isPresent() ? waited.nowNanos() - answeredNanos.getAsLong() : Long.MAX_VALUE;
    return Math.min(waited.nowNanos() - waited.sinceNanos(), sinceAnswer) >= silence;
  }

  /**
   * Has somebody told, once, when a silence ends; until {@link #forget}. Where others are answered
   * meanwhile there is none.
   */
  void await(Waited waited, Runnable whenAnswered) {
    synchronized (lock) {
      isSilent |= isQuiet(waited);
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
  void answered(long nowNanos) {
    List<Runnable> told = List.of();
    synchronized (lock) {
      if (isSilent) {
        told = waiting.stream().limit(TOLD_AT_ONCE).toList();
        told.forEach(waiting::remove);
        isSilent = !waiting.isEmpty();
      }
      answeredNanos = OptionalLong.of(nowNanos);
    }
    told.forEach(Runnable::run);
  }

  /** Notes that a call was answered before another attempt was due. */
  void answeredInTime() {
    synchronized (lock) {
      saved = Math.min(SAVED_MAX, saved + 1);
      inVain = 0;
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
  void besideWasInVain() {
    synchronized (lock) {
      if (isSilent) {
        inVain = Math.min(DOUBLINGS_MAX, inVain + 1);
      }
    }
  }
}
