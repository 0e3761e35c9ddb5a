package dev.sluice.storage.s3;

import dev.sluice.storage.ReplicaException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The requests that are under way: their failures are translated, and none outlives the client.
 * Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // whenComplete returns what is known already
final class S3Requests {
  private final S3Failures failures;
  private final Executor starts;
  private final Map<S3Call<?>, S3Operation> underWay = new ConcurrentHashMap<>();
  private volatile boolean isClosed;

  /**
   * @param starts where requests are made
   */
  S3Requests(S3Failures failures, Executor starts) {
    this.starts = starts;
    this.failures = failures;
  }

  S3Failures failures() {
    return failures;
  }

  /** Starts one request of the SDK and returns its call. */
  <T> S3Call<T> start(S3Operation operation, Supplier<CompletableFuture<T>> request) {
    return start(operation, request, answer -> answer);
  }

  /**
   * As {@link #start(S3Operation, Supplier)}, with what the answer means; {@code meaning} may throw
   * a {@link ReplicaException}.
   */
  <T, R> S3Call<R> start(
      S3Operation operation, Supplier<CompletableFuture<T>> request, Meaning<T, R> meaning) {
    S3Call<R> call = track(operation);
    try {
      starts.execute(() -> send(operation, call, request, meaning));
    } catch (RejectedExecutionException e) {
      call.fail(failures.closed(operation));
    }
    return call;
  }

  private <T, R> void send(
      S3Operation operation,
      S3Call<R> call,
      Supplier<CompletableFuture<T>> request,
      Meaning<T, R> meaning) {
    if (call.isDone()) {
      return;
    }
    AtomicBoolean isSent = new AtomicBoolean();
    try {
      CompletableFuture<T> sent = S3Sending.begin(request, isSent);
      call.follow(sent);
      sent.whenComplete(
          (answer, failure) -> {
            if (failure != null) {
              call.fail(
                  isSent.get()
                      ? failures.of(operation, failure)
                      : failures.beforeSending(operation, failure));
            } else {
              finish(operation, call, answer, meaning);
            }
          });
    } catch (RuntimeException | Error e) {
      call.fail(failures.beforeSending(operation, e));
    }
  }

  private <T, R> void finish(
      S3Operation operation, S3Call<R> call, T answer, Meaning<T, R> meaning) {
    try {
      call.succeed(meaning.of(answer));
    } catch (ReplicaException | RuntimeException | Error e) {
      call.fail(failures.of(operation, e));
    }
  }

  /** Returns a call of no request yet, which ends when the client is closed. */
  <R> S3Call<R> track(S3Operation operation) {
    S3Call<R> call = new S3Call<>();
    underWay.put(call, operation);
    call.whenComplete((answer, failure) -> underWay.remove(call));
    if (isClosed) {
      call.fail(failures.closed(operation));
    }
    return call;
  }

  /** Returns the call of a second request that is made of the first one's answer. */
  <A, B> S3Call<B> then(S3Operation operation, S3Call<A> first, Function<A, S3Call<B>> second) {
    S3Call<B> both = track(operation);
    both.follow(first);
    whenDone(operation, both, first, answer -> follow(operation, both, second.apply(answer)));
    return both;
  }

  /** Makes {@code call} end as {@code next} does. */
  <T> void follow(S3Operation operation, S3Call<T> call, S3Call<T> next) {
    call.follow(next);
    whenDone(operation, call, next, call::succeed);
  }

  /**
   * Runs {@code action} with the answer of {@code request}. The request's failure is that of {@code
   * call}, and so is what the action throws, which would otherwise be lost in a future.
   */
  <A> void whenDone(
      S3Operation operation, S3Call<?> call, S3Call<A> request, Consequence<A> action) {
    request.whenComplete(
        (answer, failure) -> {
          if (failure != null) {
            call.fail(failure);
            return;
          }
          try {
            action.take(answer);
          } catch (ReplicaException | RuntimeException | Error e) {
            call.fail(failures.of(operation, e));
          }
        });
  }

  /** Ends every request under way, and refuses all that come. Idempotent. */
  void close() {
    isClosed = true;
    underWay.forEach((call, operation) -> call.fail(failures.closed(operation)));
  }

  /** What an answer means to the caller. */
  @FunctionalInterface
  interface Meaning<T, R> {
    R of(T answer) throws ReplicaException;
  }

  /** What follows from an answer. */
  @FunctionalInterface
  interface Consequence<T> {
    void take(T answer) throws ReplicaException;
  }
}
