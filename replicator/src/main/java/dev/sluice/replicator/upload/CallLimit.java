package dev.sluice.replicator.upload;

import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How long a call to a storage is waited for. Immutable.
 *
 * @param time for an answer, and between one movement of a file that is stored and the next: a line
 *     may be as slow as it likes, and one that hangs is noticed
 */
public record CallLimit(Duration time) {
  /** A storage answers when it has put a file together, a directory when its disk has it. */
  private static final int COMPLETED_BYTES_A_SECOND = 64 << 20;

  /** A file on its way. */
  @FunctionalInterface
  interface Upload<T> {
    CompletableFuture<T> start(ReplicaClient.Progress progress);
  }

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
      call.cancel(true);
      throw new ReplicaException.Unavailable(noAnswer(what, time), e);
    }
  }

  /** As {@link #await}, for a call that changes something. */
  <T> T awaitWrite(CompletableFuture<T> call, String what) throws IOException {
    try {
      return await(call, time, what);
    } catch (TimeoutException e) {
      call.cancel(true);
      throw new ReplicaException.OutcomeUnknown(noAnswer(what, time), e);
    }
  }

  /** As {@link #awaitWrite}, for as long as the file moves. */
  <T> T awaitUpload(Upload<T> upload, long bytes, String what) throws IOException {
    Duration limit = time.plusSeconds(bytes / COMPLETED_BYTES_A_SECOND);
    AtomicLong movedNanos = new AtomicLong(System.nanoTime());
    CompletableFuture<T> call = upload.start(taken -> movedNanos.set(System.nanoTime()));
    while (true) {
      long seen = movedNanos.get();
      try {
        return await(call, limit.minusNanos(System.nanoTime() - seen), what);
      } catch (TimeoutException e) {
        if (movedNanos.get() == seen) {
          call.cancel(true);
          throw new ReplicaException.OutcomeUnknown(noAnswer(what, limit), e);
        }
      }
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
    } catch (InterruptedException e) {
      call.cancel(true);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(what + ": interrupted");
    }
  }
}
