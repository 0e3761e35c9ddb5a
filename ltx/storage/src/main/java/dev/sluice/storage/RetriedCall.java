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

  /** Those of the attempts that failed by themselves. */
  private int failures;

  private Optional<CompletableFuture<T>> running = Optional.empty();
  private Optional<Future<?>> timer = Optional.empty();

  /** The one that was made because {@code running} has not answered yet. */
  private Optional<CompletableFuture<T>> beside = Optional.empty();

  /** Whether an attempt was without an answer for so long that another was due beside it. */
  private boolean wasSilent;

  private Optional<Future<?>> besideTimer = Optional.empty();

  /** Whether an attempt has failed and the next one has not begun. */
  private boolean isBetween;

  private final Runnable whenAnswered = this::goOnAtOnce;
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
      cancelWork();
      return;
    }
    CompletableFuture<T> request = attempt.start();
    synchronized (lock) {
      attempts++;
      running = Optional.of(request);
    }
    watch(request);
    Futures.whenDone(request, (value, failure) -> finish(request, value, failure));
    if (isDone()) {
      request.cancel(true);
    }
  }

  /** Sees to it that the running attempt does not take too long. */
  private void watch(CompletableFuture<T> request) {
    long attemptLimit;
    synchronized (lock) {
      attemptLimit = attemptLimitNanos;
    }
    long remaining = deadline.remainingNanos();
    long limit = isWrite ? remaining : Math.min(attemptLimit, remaining);
    schedule(() -> giveUp(request, limit), limit);
    if (!isWrite && retries.hasBeside()) {
      scheduleBeside(request);
    }
  }

  private void scheduleBeside(CompletableFuture<T> request) {
    try {
      Future<?> scheduled =
          retries
              .scheduler()
              .schedule(
                  () -> orFail(() -> startBesideIfDue(request)),
                  retries.besideDelay().toNanos(),
                  TimeUnit.NANOSECONDS);
      Optional<Future<?>> unwanted;
      synchronized (lock) {
        boolean isWanted = isRunning(request) && !isDone();
        unwanted = isWanted ? besideTimer : Optional.of(scheduled);
        besideTimer = isWanted ? Optional.of(scheduled) : besideTimer;
      }
      unwanted.ifPresent(timer -> timer.cancel(false));
    } catch (RejectedExecutionException e) {
      // The attempt's own limit could not be set either, or ends it.
    }
  }

  /** Called under the lock. */
  private boolean isRunning(CompletableFuture<T> request) {
    return running.filter(current -> current == request).isPresent();
  }

  /** Called under the lock. */
  private boolean isBeside(CompletableFuture<T> request) {
    return beside.filter(current -> current == request).isPresent();
  }

  /** Runs on the scheduler what nobody else hears of if it throws. */
  private void orFail(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      completeExceptionally(e);
      cancelWork();
    }
  }

  /** The attempt has not answered yet, and the last one beside it has not either. */
  private void startBesideIfDue(CompletableFuture<T> request) {
    synchronized (lock) {
      if (!isRunning(request)) {
        return;
      }
      wasSilent = true;
    }
    if (!retries.hedges().take(waited(), whenAnswered)) {
      scheduleBeside(request);
      forgetIfDone();
      return;
    }
    startBeside(request);
  }

  private void startBeside(CompletableFuture<T> request) {
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
    Futures.whenDone(another, (value, failure) -> finish(another, value, failure));
    if (isWanted) {
      scheduleBeside(request);
    } else {
      another.cancel(true);
    }
    forgetIfDone();
  }

  private void forgetIfDone() {
    if (isDone()) {
      retries.hedges().forget(whenAnswered);
    }
  }

  /** The storage answers others again: it is asked for this too. */
  private void goOnAtOnce() {
    Optional<CompletableFuture<T>> request;
    synchronized (lock) {
      request = running;
    }
    Runnable next =
        request.isPresent() ? () -> startBesideOnceTold(request.get()) : this::startNextAttempt;
    try {
      retries.scheduler().execute(() -> orFail(next));
    } catch (RejectedExecutionException e) {
      // As there.
    }
  }

  private void startBesideOnceTold(CompletableFuture<T> request) {
    synchronized (lock) {
      if (!isRunning(request)) {
        return;
      }
    }
    retries.hedges().takeOnceTold();
    startBeside(request);
  }

  /** The attempt took too long. */
  private void giveUp(CompletableFuture<T> request, long limitNanos) {
    String noAnswer = "no answer within " + seconds(limitNanos);
    if (isWrite) {
      if (endAttempts(request)) {
        completeExceptionally(new ReplicaException.OutcomeUnknown(what + ": " + noAnswer));
        request.cancel(true);
      }
      return;
    }
    Optional<ReplicaException> reason;
    synchronized (lock) {
      // An attempt that the deadline cut short says less than the failure before it.
      boolean isCutShort = limitNanos < attemptLimitNanos;
      reason =
          isCutShort && lastFailure.isPresent()
              ? lastFailure
              : Optional.of(new ReplicaException.Unavailable(noAnswer));
      // Perhaps it was slow but healthy, and needs no more than time.
      attemptLimitNanos += isRunning(request) ? attemptLimitNanos / 2 : 0;
    }
    goOnWithout(request, reason, 1);
    request.cancel(true);
  }

  private void finish(CompletableFuture<T> request, T value, @Nullable Throwable failure) {
    Throwable cause = failure == null ? null : Futures.unwrap(failure);
    if (cause instanceof ReplicaException.Unavailable unavailable) {
      int failed;
      synchronized (lock) {
        failed = ++failures;
      }
      goOnWithout(request, Optional.of(unavailable), failed);
      return;
    }
    boolean wasBeside;
    boolean isOnly;
    synchronized (lock) {
      wasBeside = isBeside(request);
      isOnly = beside.isEmpty();
    }
    boolean isCurrent = endAttempts(request);
    if (isCurrent && !isWrite) {
      noteAnswer(wasBeside, isOnly, failure == null);
    }
    if (cause != null) {
      if (isCurrent) {
        completeExceptionally(cause);
      }
    } else if (!isCurrent || !complete(value)) {
      Futures.closeUnused(value);
    }
  }

  /** Before whoever waits for the answer makes the next call. */
  private void noteAnswer(boolean wasBeside, boolean wasOnly, boolean isSuccess) {
    Hedges hedges = retries.hedges();
    if (wasBeside) {
      hedges.besideWasFirst();
    } else if (!wasOnly) {
      hedges.besideWasInVain();
    } else if (isSuccess && neededNoOther()) {
      hedges.answeredInTime();
    }
    hedges.answered(now());
  }

  private boolean neededNoOther() {
    synchronized (lock) {
      return attempts == 1 && !wasSilent;
    }
  }

  /**
   * Returns whether the attempt, or the one beside, was still under way: then none is any more, and
   * only who ended them may go on from it.
   */
  private boolean endAttempts(CompletableFuture<T> request) {
    synchronized (lock) {
      if (!isRunning(request) && !isBeside(request)) {
        return false;
      }
      // Not to be cancelled: it is done, or its own business.
      running = running.filter(current -> current != request);
      beside = beside.filter(current -> current != request);
    }
    cancelWork();
    return true;
  }

  /**
   * Takes out an attempt that failed. If it was waited for first, the one beside it takes its
   * place; if there is none, another is made after a while.
   */
  private void goOnWithout(
      CompletableFuture<T> request, Optional<ReplicaException> reason, int failed) {
    Optional<CompletableFuture<T>> next;
    List<Future<?>> timers = new ArrayList<>();
    synchronized (lock) {
      boolean wasFirst = isRunning(request);
      if (!wasFirst && !isBeside(request)) {
        return;
      }
      lastFailure = reason;
      next = beside;
      beside = Optional.empty();
      if (!wasFirst) {
        return;
      }
      running = next;
      timer.ifPresent(timers::add);
      besideTimer.ifPresent(timers::add);
      timer = Optional.empty();
      besideTimer = Optional.empty();
    }
    timers.forEach(waiting -> waiting.cancel(false));
    if (next.isPresent() && !deadline.hasPassed()) {
      watch(next.get());
    } else {
      tryAgain(failed);
    }
  }

  private void tryAgain(int failed) {
    long remaining = deadline.remainingNanos();
    if (remaining <= retries.firstDelay().toNanos()) {
      completeExceptionally(exhausted());
      cancelWork();
      return;
    }
    synchronized (lock) {
      isBetween = true;
    }
    if (!isWrite && retries.hasBeside()) {
      retries.hedges().await(waited(), whenAnswered);
      forgetIfDone();
    }
    // The last attempts come closer together, so that one is made shortly before the deadline.
    schedule(
        () -> orFail(this::startNextAttempt), Math.min(retries.delayNanos(failed), remaining / 2));
  }

  private void startNextAttempt() {
    Optional<Future<?>> last;
    synchronized (lock) {
      if (!isBetween) {
        return;
      }
      isBetween = false;
      last = timer;
      timer = Optional.empty();
    }
    last.ifPresent(waiting -> waiting.cancel(false));
    retries.hedges().forget(whenAnswered);
    startAttempt();
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

  private Hedges.Waited waited() {
    return new Hedges.Waited(now(), startNanos, retries.besideDelay().toNanos());
  }

  private long now() {
    return deadline.ticker().getAsLong();
  }

  private ReplicaException exhausted() {
    synchronized (lock) {
      String times = attempts == 1 ? "once" : attempts + " times";
      String last = lastFailure.map(failure -> ", last: " + failure.getMessage()).orElse("");
      String message = what + ": tried " + times + " in " + seconds(now() - startNanos) + last;
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
    retries.hedges().forget(whenAnswered);
    timers.forEach(waiting -> waiting.cancel(false));
    requests.forEach(request -> request.cancel(true));
  }
}
