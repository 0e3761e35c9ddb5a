package dev.sluice.replicator.levels;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * When one kind of the upkeep is due, and when it is tried again after a failure. The pause grows
 * to minutes; to hours where a large replica was fetched in vain, which costs its owner each time.
 * Confined to whoever holds its owner's lock.
 */
final class LevelTask {
  private static final Instant LONG_AGO = Instant.EPOCH;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final int PAUSE_DOUBLINGS_MAX = 8;

  /** For what was fetched in vain: 50 s for 1 GiB, at first. */
  private static final Duration MEBIBYTE_PAUSE = Duration.ofMillis(50);

  private static final int MEBIBYTE_DOUBLINGS_MAX = 4;

  private Instant due = Levels.NEVER;
  private Instant notBefore = LONG_AGO;
  private int failures;
  private Optional<Exception> failure = Optional.empty();

  /** Returns when it is to be done next; {@link Levels#NEVER} if there is nothing to do. */
  Instant next() {
    return due.isBefore(notBefore) ? notBefore : due;
  }

  void dueAt(Instant time) {
    due = time;
  }

  void dueBy(Instant time) {
    due = LevelSchedule.earlier(due, time);
  }

  /** Makes it due now, whatever failed before. */
  void dueAtOnce() {
    due = LONG_AGO;
    notBefore = LONG_AGO;
  }

  /** To be called after all that was due was done, and {@link #dueAt} told what comes next. */
  void done(Instant now) {
    failures = 0;
    failure = Optional.empty();
    // What is due at once came meanwhile, or cannot be done: never a loop.
    notBefore = due.isAfter(now) ? LONG_AGO : now.plus(FIRST_PAUSE);
  }

  /**
   * To be called after an attempt that failed.
   *
   * @param fetchedBytes what it read from the storage
   */
  void failed(Instant now, long fetchedBytes) {
    Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failures, PAUSE_DOUBLINGS_MAX));
    Duration rest =
        MEBIBYTE_PAUSE
            .multipliedBy(fetchedBytes >> 20)
            .multipliedBy(1L << Math.min(failures, MEBIBYTE_DOUBLINGS_MAX));
    failures++;
    notBefore = now.plus(pause.compareTo(rest) > 0 ? pause : rest);
  }

  void failsWith(Exception why) {
    failure = Optional.of(why);
  }

  /** Returns why it is not done; empty if it was, or is not to be done any more. */
  Optional<Exception> failure() {
    return due.equals(Levels.NEVER) ? Optional.empty() : failure;
  }

  /** Takes in that the clock was set. */
  void shift(Duration step) {
    notBefore = notBefore.equals(LONG_AGO) ? LONG_AGO : notBefore.plus(step);
  }
}
