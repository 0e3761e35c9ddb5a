package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When a follower looks: every poll interval, a little less at random so that many readers do not
 * come at once, until the history ends or the replica is closed. A look that takes longer than a
 * second is given up for another, which may take twice as long, so that a storage that hangs costs
 * a second and one that is slow is followed in the end.
 *
 * <p>What a look fails with is the replica's trouble until one goes well. Thread-safe as far as
 * {@link #lower} and {@link #run} may be called by two threads.
 */
final class FollowerThread implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(FollowerThread.class);
  private static final Duration FIRST_LIMIT = Duration.ofSeconds(1);
  private static final Duration LAST_LIMIT = Duration.ofSeconds(30);
  private static final double JITTER = 0.1;

  /** How soon a shorter interval counts at the latest. */
  private static final long ASK_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Follower follower;
  private final Parts parts;
  private final RandomGenerator random;
  private Duration limit = FIRST_LIMIT;

  /** Twice as long as the last complete listing took: one of a large replica takes its time. */
  private Duration completeLimit = FIRST_LIMIT;

  private volatile long intervalNanos;

  FollowerThread(Follower follower, Parts parts, RandomGenerator random, Duration interval) {
    this.follower = follower;
    this.parts = parts;
    this.random = random;
    this.intervalNanos = interval.toNanos();
  }

  /** Makes the poll interval shorter; a longer one changes nothing. */
  void lower(Duration interval) {
    synchronized (this) {
      intervalNanos = Math.min(intervalNanos, interval.toNanos());
    }
  }

  @Override
  public void run() {
    long begunNanos = System.nanoTime();
    while (mayGoOn(begunNanos)) {
      begunNanos = System.nanoTime();
      try {
        poll();
      } catch (RuntimeException | Error e) {
        log.error("following {}", parts.location(), e);
      }
    }
  }

  /** Waits for the next look; false if there is none. */
  private boolean mayGoOn(long begunNanos) {
    double share = 1 - JITTER * random.nextDouble();
    try {
      while (!parts.history().hasEnded()) {
        long left = (long) (intervalNanos * share) - (System.nanoTime() - begunNanos);
        if (parts.closing().await(Math.min(left, ASK_NANOS), TimeUnit.NANOSECONDS)) {
          return false;
        }
        if (left <= ASK_NANOS) {
          return true;
        }
      }
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Looks once, and has all the time that a look may have.
   *
   * @return whether a view was published
   */
  boolean pollByHand() {
    limit = LAST_LIMIT;
    return poll();
  }

  private boolean poll() {
    boolean isComplete = follower.isCompleteDue();
    Duration given = isComplete && completeLimit.compareTo(limit) > 0 ? completeLimit : limit;
    long begunNanos = System.nanoTime();
    Deadline deadline = Deadline.after(given, System::nanoTime);
    Optional<View> before = parts.history().latest();
    try {
      follower.poll(deadline);
      limit = FIRST_LIMIT;
      if (isComplete) {
        completeLimit = bounded(Duration.ofNanos(2 * (System.nanoTime() - begunNanos)));
      }
      parts.troubles().followingIsWell();
    } catch (ReplicaException.Unavailable e) {
      if (deadline.hasPassed()) {
        limit = bounded(given.multipliedBy(2));
      }
      fail(e);
    } catch (ViewException | LtxFormatException e) {
      limit = FIRST_LIMIT;
      fail(e);
    } catch (IOException e) {
      fail(e);
    }
    return !parts.history().latest().equals(before);
  }

  private static Duration bounded(Duration wanted) {
    Duration atLeast = wanted.compareTo(FIRST_LIMIT) > 0 ? wanted : FIRST_LIMIT;
    return atLeast.compareTo(LAST_LIMIT) < 0 ? atLeast : LAST_LIMIT;
  }

  private void fail(IOException failure) {
    if (parts.closing().getCount() > 0) {
      log.debug("following {}: {}", parts.location(), failure.getMessage());
      parts.troubles().following(failure);
      parts.announcer().failed(failure);
    }
  }
}
