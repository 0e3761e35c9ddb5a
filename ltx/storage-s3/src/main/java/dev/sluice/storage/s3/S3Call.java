package dev.sluice.storage.s3;

import java.io.Closeable;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The future that a caller gets: one request or several, one after another. What ends it early, its
 * cancellation or the client's close, aborts the request that is under way. The JDK's dependent
 * futures do not do that. Thread-safe.
 */
final class S3Call<T> extends CompletableFuture<T> {
  private volatile @Nullable CompletableFuture<?> current;

  /**
   * Makes {@code request} the one that this call waits for now; aborted at once if the call has
   * failed meanwhile.
   */
  void follow(CompletableFuture<?> request) {
    current = request;
    if (isCompletedExceptionally()) {
      request.cancel(true);
    }
  }

  @Override
  public boolean cancel(boolean mayInterrupt) {
    boolean isCancelled = super.cancel(mayInterrupt);
    if (isCancelled) {
      abort();
    }
    return isCancelled;
  }

  /** Ends the call with a failure, and its request. */
  void fail(Throwable failure) {
    completeExceptionally(unwrap(failure));
    abort();
  }

  private void abort() {
    CompletableFuture<?> request = current;
    if (request != null) {
      request.cancel(true);
    }
  }

  /**
   * Ends the call with its answer; one that comes too late is let go of, as it may hold a
   * connection.
   */
  void succeed(T answer) {
    if (!complete(answer) && answer instanceof Closeable unused) {
      try {
        unused.close();
      } catch (IOException e) {
        // Nobody waits for it any more.
      }
    }
  }

  /**
   * Returns the failure itself, without what the JDK wraps around it on its way through futures.
   */
  static Throwable unwrap(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? unwrap(cause) : failure;
  }
}
