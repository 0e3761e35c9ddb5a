package dev.sluice.replicator.upload;

import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * How long a call to a storage is waited for. Immutable.
 *
 * @param time for a call that moves little; what moves much gets a second more for each MiB
 */
public record CallLimit(Duration time) {
  private static final int BYTES_A_SECOND = 1 << 20;

  /**
   * Waits for a call that reads or changes nothing that may have happened without an answer.
   *
   * @param what how a failure's message begins
   * @throws ReplicaException of the call; {@link ReplicaException.Unavailable} after the limit
   * @throws InterruptedIOException if this thread is interrupted; the call is cancelled
   */
  public <T> T await(CompletableFuture<T> call, String what) throws IOException {
    try {
      return await(call, time, what);
    } catch (TimeoutException e) {
      throw new ReplicaException.Unavailable(noAnswer(what, time), e);
    }
  }

  /** As {@link #await}, for a call that changes something. */
  <T> T awaitWrite(CompletableFuture<T> call, long bytes, String what) throws IOException {
    Duration limit = time.plusSeconds(bytes / BYTES_A_SECOND);
    try {
      return await(call, limit, what);
    } catch (TimeoutException e) {
      throw new ReplicaException.OutcomeUnknown(noAnswer(what, limit), e);
    }
  }

  private static String noAnswer(String what, Duration limit) {
    return what + ": no answer within " + limit.toSeconds() + " s";
  }

  private static <T> T await(CompletableFuture<T> call, Duration limit, String what)
      throws IOException, TimeoutException {
    try {
      return call.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ReplicaException known) {
        throw known;
      }
      throw new IOException(what + ": " + e.getCause(), e);
    } catch (TimeoutException e) {
      call.cancel(true);
      throw e;
    } catch (InterruptedException e) {
      call.cancel(true);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(what + ": interrupted");
    }
  }
}
