package dev.sluice.storage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One call of a {@link RetryingReplicaClient}, from its first attempt to its end. Cancelling it
 * cancels the attempt that is under way and all that was to come.
 *
 * <p>Thread-safe: what changes is under {@code lock}, and no attempt is started, cancelled or
 * completed under it.
 */
final class RetriedCall<T> extends CompletableFuture<T> {

  /** Makes one attempt. */
  interface Attempt<T> {
    CompletableFuture<T> start();
  }

  private final Object lock = new Object();
  private final String what;
  private final Deadline deadline;
  private final Retries retries;
  private final Attempt<T> attempt;
  private final long startNanos;
  private long attemptLimitNanos;
  private boolean isWrite;
  private int attempts;
  private Optional<CompletableFuture<T>> running = Optional.empty();
  private Optional<Future<?>> timer = Optional.empty();

  /** The one that was made because {@code running} has not answered yet. */
  private Optional<CompletableFuture<T>> beside = Optional.empty();

  /** Whether an attempt was without an answer for so long that another was due beside it. */
  private boolean wasSilent;

  private Optional<Future<?>> besideTimer = Optional.empty();
  private Optional<ReplicaException> lastFailure = Optional.empty();

  RetriedCall(String what, Deadline deadline, Retries retries, Attempt<T> attempt) {
    this.what = what;
    this.deadline = deadline;
    this.retries = retries;
    this.attempt = attempt;
    this.startNanos = deadline.ticker().getAsLong();
    this.attemptLimitNanos = retries.attemptLimitNanos(deadline.remainingNanos());
  }

  CompletableFuture<T> startReading() {
    startAttempt();
    return this;
  }

  /** As {@link #startReading}, but an attempt without an answer is not followed by another. */
  CompletableFuture<T> startWriting() {
    isWrite = true;
    startAttempt();
    return this;
  }

  private void startAttempt() {
    if (isDone()) {
      return;
    }
    if (deadline.hasPassed()) {
      completeExceptionally(exhausted());
      return;
    }
    CompletableFuture<T> request = attempt.start();
    long attemptLimit;
    synchronized (lock) {
      attempts++;
      running = Optional.of(request);
      attemptLimit = attemptLimitNanos;
    }
    long remaining = deadline.remainingNanos();
    long limit = isWrite ? remaining : Math.min(attemptLimit, remaining);
    schedule(() -> giveUp(request, limit), limit);
    if (!isWrite && retries.hasBeside()) {
      scheduleBeside(request);
    }
    Futures.whenDone(request, (value, failure) -> finish(request, value, failure));
    if (isDone()) {
      request.cancel(true);
    }
  }

  private void scheduleBeside(CompletableFuture<T> request) {
    Runnable start =
        () -> {
          try {
            startBeside(request);
          } catch (RuntimeException e) {
            completeExceptionally(e);
          }
        };
    try {
      Future<?> scheduled =
          retries
              .scheduler()
              .schedule(start, retries.besideDelay().toNanos(), TimeUnit.NANOSECONDS);
      boolean isWanted;
      synchronized (lock) {
        isWanted = isRunning(request) && !isDone();
        besideTimer = isWanted ? Optional.of(scheduled) : besideTimer;
      }
      if (!isWanted) {
        scheduled.cancel(false);
      }
    } catch (RejectedExecutionException e) {
      // The attempt's own limit could not be set either, or ends it.
    }
  }

  /** Called under the lock. */
  private boolean isRunning(CompletableFuture<T> request) {
    return running.filter(current -> current == request).isPresent();
  }

  /** The attempt has not answered yet, and the last one beside it has not either. */
  private void startBeside(CompletableFuture<T> request) {
    synchronized (lock) {
      if (!isRunning(request)) {
        return;
      }
      wasSilent = true;
    }
    if (!retries.hedges().take()) {
      scheduleBeside(request);
      return;
    }
    Optional<CompletableFuture<T>> last;
    synchronized (lock) {
      last = beside;
      beside = Optional.empty();
    }
    last.ifPresent(silent -> silent.cancel(true));
    CompletableFuture<T> another = attempt.start();
    boolean isWanted;
    synchronized (lock) {
      isWanted = isRunning(request) && !isDone();
      beside = isWanted ? Optional.of(another) : beside;
      attempts += isWanted ? 1 : 0;
    }
    Futures.whenDone(another, (value, failure) -> finishBeside(another, value, failure));
    if (isWanted) {
      scheduleBeside(request);
    } else {
      another.cancel(true);
    }
  }

  private void finishBeside(CompletableFuture<T> request, T value, @Nullable Throwable failure) {
    boolean isCurrent;
    synchronized (lock) {
      isCurrent = beside.filter(current -> current == request).isPresent();
      beside = isCurrent ? Optional.empty() : beside;
    }
    if (failure == null) {
      if (!isCurrent || !complete(value)) {
        Futures.closeUnused(value);
        return;
      }
      cancelWork();
    } else if (isCurrent) {
      Throwable cause = Futures.unwrap(failure);
      if (cause instanceof ReplicaException.Unavailable unavailable) {
        synchronized (lock) {
          lastFailure = Optional.of(unavailable);
        }
      } else {
        completeExceptionally(cause);
        cancelWork();
      }
    }
  }

  /** The attempt took too long. */
  private void giveUp(CompletableFuture<T> request, long limitNanos) {
    if (!endAttempt(request)) {
      return;
    }
    request.cancel(true);
    String noAnswer = "no answer within " + seconds(limitNanos);
    if (isWrite) {
      completeExceptionally(new ReplicaException.OutcomeUnknown(what + ": " + noAnswer));
      return;
    }
    synchronized (lock) {
      // An attempt that the deadline cut short says less than the failure before it.
      boolean isCutShort = limitNanos < attemptLimitNanos;
      if (!isCutShort || lastFailure.isEmpty()) {
        lastFailure = Optional.of(new ReplicaException.Unavailable(noAnswer));
      }
      // Perhaps it was slow but healthy, and needs no more than time.
      attemptLimitNanos += attemptLimitNanos / 2;
    }
    tryAgain();
  }

  private void finish(CompletableFuture<T> request, T value, @Nullable Throwable failure) {
    boolean isCurrent = endAttempt(request);
    if (failure == null) {
      boolean isWanted = isCurrent && complete(value);
      if (isWanted && neededNoOther()) {
        retries.hedges().answeredInTime();
      }
      if (!isWanted) {
        Futures.closeUnused(value);
      }
      return;
    }
    if (!isCurrent) {
      return;
    }
    Throwable cause = Futures.unwrap(failure);
    if (cause instanceof ReplicaException.Unavailable unavailable) {
      synchronized (lock) {
        lastFailure = Optional.of(unavailable);
      }
      tryAgain();
    } else {
      completeExceptionally(cause);
    }
  }

  private boolean neededNoOther() {
    synchronized (lock) {
      return attempts == 1 && !wasSilent;
    }
  }

  /** Returns whether the attempt was still under way: only who ends it may go on from it. */
  private boolean endAttempt(CompletableFuture<T> request) {
    synchronized (lock) {
      if (!isRunning(request)) {
        return false;
      }
      running = Optional.empty();
    }
    cancelWork();
    return true;
  }

  private void tryAgain() {
    int failed;
    synchronized (lock) {
      failed = attempts;
    }
    long remaining = deadline.remainingNanos();
    if (remaining <= retries.firstDelay().toNanos()) {
      completeExceptionally(exhausted());
      return;
    }
    // The last attempts come closer together, so that one is made shortly before the deadline.
    schedule(this::startNextAttempt, Math.min(retries.delayNanos(failed), remaining / 2));
  }

  private void startNextAttempt() {
    try {
      startAttempt();
    } catch (RuntimeException e) {
      completeExceptionally(e);
    }
  }

  private void schedule(Runnable task, long delayNanos) {
    try {
      Future<?> scheduled = retries.scheduler().schedule(task, delayNanos, TimeUnit.NANOSECONDS);
      synchronized (lock) {
        timer = Optional.of(scheduled);
      }
      if (isDone()) {
        scheduled.cancel(false);
      }
    } catch (RejectedExecutionException e) {
      completeExceptionally(new ReplicaException.Denied(what + ": the client is closed", e));
      cancelWork();
    }
  }

  private ReplicaException exhausted() {
    synchronized (lock) {
      String times = attempts == 1 ? "once" : attempts + " times";
      String last = lastFailure.map(failure -> ", last: " + failure.getMessage()).orElse("");
      String message =
          what
              + ": tried "
              + times
              + " in "
              + seconds(deadline.ticker().getAsLong() - startNanos)
              + last;
      return lastFailure
          .map(failure -> new ReplicaException.Unavailable(message, failure))
          .orElseGet(() -> new ReplicaException.Unavailable(message));
    }
  }

  private static String seconds(long nanos) {
    long millis = Duration.ofNanos(nanos).toMillis();
    return millis / 1000 + "." + millis % 1000 / 100 + " s";
  }

  @Override
  public boolean cancel(boolean mayInterrupt) {
    boolean isCancelled = super.cancel(mayInterrupt);
    cancelWork();
    return isCancelled;
  }

  private void cancelWork() {
    List<CompletableFuture<T>> requests = new ArrayList<>();
    List<Future<?>> timers = new ArrayList<>();
    synchronized (lock) {
      running.ifPresent(requests::add);
      beside.ifPresent(requests::add);
      timer.ifPresent(timers::add);
      besideTimer.ifPresent(timers::add);
      running = Optional.empty();
      beside = Optional.empty();
      timer = Optional.empty();
      besideTimer = Optional.empty();
    }
    timers.forEach(waiting -> waiting.cancel(false));
    requests.forEach(request -> request.cancel(true));
  }
}
