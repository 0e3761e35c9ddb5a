package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * The only places where a caller's thread waits: always until a deadline, and until it is
 * interrupted.
 */
public final class Waits {

  /** How often a caller is asked whether it still waits. */
  private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

  /**
   * How often it is asked after the deadline, so that a request can say itself why it failed.
   * Counted and not timed: where all threads stood still the request had no time either.
   */
  private static final int LATE_ASKS = 6;

  private Waits() {}

  /**
   * Returns the future's value. It is not cancelled when the wait ends without it.
   *
   * @param what what is being done, for messages
   * @throws IOException what the future failed with; {@link ReplicaException.Unavailable} at the
   *     deadline; {@link InterruptedIOException} if this thread was interrupted, which it still is
   *     then
   */
  public static <T> T await(CompletableFuture<T> future, Deadline deadline, String what)
      throws IOException {
    return await(future, deadline, () -> false, what);
  }

  /**
   * As the other, but no longer than until {@code isCancelled} says so: then it is an {@link
   * InterruptedIOException}, and this thread is not interrupted.
   */
  static <T> T await(
      CompletableFuture<T> future, Deadline deadline, BooleanSupplier isCancelled, String what)
      throws IOException {
    long endNanos = System.nanoTime() + deadline.remainingNanos();
    int lateAsks = 0;
    try {
      while (true) {
        long left = endNanos - System.nanoTime();
        try {
          long nanos = left > 0 ? Math.min(left, ASK_NANOS) : ASK_NANOS;
          return future.get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          if (isCancelled.getAsBoolean()) {
            throw new InterruptedIOException(what + ": cancelled");
          }
          if (left <= 0 && ++lateAsks == LATE_ASKS) {
            throw new ReplicaException.Unavailable(what + ": no answer until the deadline", e);
          }
        }
      }
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    } catch (CancellationException e) {
      throw new ReplicaException.Unavailable(what + ": closed meanwhile", e);
    } catch (ExecutionException e) {
      throw failureOf(e.getCause() == null ? e : e.getCause());
    }
  }

  /**
   * As the other, but no longer than until {@code closing} opens, because then nobody may make
   * another attempt.
   *
   * @throws ReplicaException.Unavailable then, too
   */
  static <T> T await(
      CompletableFuture<T> future,
      Deadline deadline,
      CountDownLatch closing,
      BooleanSupplier isCancelled,
      String what)
      throws IOException {
    BooleanSupplier isOver = () -> closing.getCount() == 0 || isCancelled.getAsBoolean();
    try {
      return await(future, deadline, isOver, what);
    } catch (InterruptedIOException e) {
      if (closing.getCount() > 0 || Thread.currentThread().isInterrupted()) {
        throw e;
      }
      throw new ReplicaException.Unavailable(what + ": closed meanwhile", e);
    }
  }

  /**
   * Waits for a future that does not fail, until the deadline.
   *
   * @return whether it is done
   */
  static boolean isDone(
      CompletableFuture<?> future, Deadline deadline, BooleanSupplier isCancelled, String what)
      throws InterruptedIOException {
    while (true) {
      long left = deadline.remainingNanos();
      if (isCancelled.getAsBoolean()) {
        throw new InterruptedIOException(what + ": cancelled");
      }
      try {
        future.get(Math.min(left, ASK_NANOS), TimeUnit.NANOSECONDS);
        return true;
      } catch (TimeoutException e) {
        if (left <= ASK_NANOS) {
          return false;
        }
      } catch (InterruptedException e) {
        throw interrupted(what, e);
      } catch (ExecutionException e) {
        return true;
      }
    }
  }

  private static IOException failureOf(Throwable cause) {
    if (cause instanceof IOException failure) {
      return failure;
    } else if (cause instanceof RuntimeException bug) {
      throw bug;
    } else if (cause instanceof Error error) {
      throw error;
    }
    throw new IllegalStateException(cause);
  }

  /**
   * Lets time pass, but not beyond the deadline.
   *
   * @throws ReplicaException.Unavailable if {@code closing} opens meanwhile
   */
  public static void pause(Duration time, Deadline deadline, CountDownLatch closing, String what)
      throws IOException {
    pause(time, deadline, closing, () -> false, what);
  }

  /** As the other, but no longer than until {@code isCancelled} says so. */
  static void pause(
      Duration time,
      Deadline deadline,
      CountDownLatch closing,
      BooleanSupplier isCancelled,
      String what)
      throws IOException {
    Deadline end =
        Deadline.after(
            Duration.ofNanos(Math.min(time.toNanos(), deadline.remainingNanos())),
            System::nanoTime);
    try {
      while (!end.hasPassed()) {
        long nanos = Math.min(end.remainingNanos(), ASK_NANOS);
        if (closing.await(nanos, TimeUnit.NANOSECONDS)) {
          throw new ReplicaException.Unavailable(what + ": closed meanwhile");
        }
        if (isCancelled.getAsBoolean()) {
          throw new InterruptedIOException(what + ": cancelled");
        }
      }
    } catch (InterruptedException e) {
      throw interrupted(what, e);
    }
  }

  private static InterruptedIOException interrupted(String what, InterruptedException e) {
    Thread.currentThread().interrupt();
    InterruptedIOException failure = new InterruptedIOException(what + ": interrupted");
    failure.initCause(e);
    return failure;
  }
}
