package dev.sluice.storage;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.random.RandomGenerator;

/**
 * How calls are tried again: after {@code firstDelay}, then after twice as long each time up to
 * {@code longestDelay}, each delay shortened by up to a half at random so that many readers do not
 * come back at once. Immutable; as thread-safe as {@code random}.
 *
 * @param firstDelay the wait after the first failure, above zero
 * @param longestDelay no wait is longer
 * @param attemptLimit how long one attempt may take before it is given up for another, so that a
 *     server that never answers does not use up the deadline; shortened to a third of the time
 *     there is, unless others are made beside it. After each one given up the next may take half as
 *     long again, so that what is slow but healthy, a listing of many pages for one, is done in the
 *     end
 * @param besideDelay how long an attempt to read may go without an answer until another is made
 *     beside it, and after as long that one is given up for the next: the attempt may be slow but
 *     healthy and goes on, and where it hangs a storage that answers again is noticed at once. As
 *     long as {@code attemptLimit} means that there is none beside
 * @param hedges how many there may be beside
 * @param random for the jitter; thread-safe
 * @param scheduler for delays and limits, on one thread; its owner closes it
 */
public record Retries(
    Duration firstDelay,
    Duration longestDelay,
    Duration attemptLimit,
    Duration besideDelay,
    Hedges hedges,
    RandomGenerator random,
    ScheduledExecutorService scheduler) {

  private static final int DOUBLINGS_MAX = 30;

  public Retries {
    if (firstDelay.isZero() || firstDelay.isNegative() || longestDelay.compareTo(firstDelay) < 0) {
      throw new IllegalArgumentException("delays " + firstDelay + " to " + longestDelay);
    }
    if (attemptLimit.isZero() || attemptLimit.isNegative()) {
      throw new IllegalArgumentException("attempt limit " + attemptLimit);
    }
    if (besideDelay.isZero() || besideDelay.isNegative()) {
      throw new IllegalArgumentException("delay of attempts beside " + besideDelay);
    }
  }

  /** As the other, with one attempt at a time. */
  public Retries(
      Duration firstDelay,
      Duration longestDelay,
      Duration attemptLimit,
      RandomGenerator random,
      ScheduledExecutorService scheduler) {
    this(
        firstDelay,
        longestDelay,
        attemptLimit,
        attemptLimit,
        new Hedges(new RequestMeter()),
        random,
        scheduler);
  }

  /** Returns what suits an object storage: 50 ms to 2 s between attempts, 10 s for each. */
  public static Retries standard(RandomGenerator random, ScheduledExecutorService scheduler) {
    return new Retries(
        Duration.ofMillis(50), Duration.ofSeconds(2), Duration.ofSeconds(10), random, scheduler);
  }

  /**
   * Returns what suits readers who wait for an object storage, and are to go on as soon as it does:
   * 50 ms to 0.4 s between attempts, 10 s for each, another beside it after 0.25 s as long as most
   * are answered sooner.
   *
   * @param meter counts those beside
   */
  public static Retries eager(
      RandomGenerator random, ScheduledExecutorService scheduler, RequestMeter meter) {
    return new Retries(
        Duration.ofMillis(50),
        Duration.ofMillis(400),
        Duration.ofSeconds(10),
        Duration.ofMillis(250),
        new Hedges(meter),
        random,
        scheduler);
  }

  /** Returns the same with another limit of each attempt. */
  public Retries withAttemptLimit(Duration limit) {
    return new Retries(firstDelay, longestDelay, limit, besideDelay, hedges, random, scheduler);
  }

  /** Returns a client that tries again until the deadline. Closing it closes nothing. */
  public ReplicaClient until(Deadline deadline, ReplicaClient inner) {
    return new RetryingReplicaClient(inner, deadline, this);
  }

  /** Returns how long to wait after the {@code attempts}-th failure, in nanoseconds. */
  long delayNanos(int attempts) {
    int doublings = Math.min(attempts - 1, DOUBLINGS_MAX);
    long longest = longestDelay.toNanos();
    long first = firstDelay.toNanos();
    long delay = first > longest >> doublings ? longest : first << doublings;
    return delay - random.nextLong(delay / 2 + 1);
  }

  /**
   * Returns how long one attempt may take when there is {@code remainingNanos} for all, in
   * nanoseconds.
   */
  long attemptLimitNanos(long remainingNanos) {
    if (hasBeside()) {
      return attemptLimit.toNanos();
    }
    return Math.min(attemptLimit.toNanos(), Math.max(firstDelay.toNanos(), remainingNanos / 3));
  }

  /** Returns whether attempts that wait get another beside them. */
  boolean hasBeside() {
    return besideDelay.compareTo(attemptLimit) < 0;
  }
}
