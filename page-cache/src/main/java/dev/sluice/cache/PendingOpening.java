package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/**
 * An opening that is under way, for whoever waits for it: its result, and what hindered it last.
 *
 * <p>It has the time of the caller who began it. One with less time than that leaves with the last
 * trouble, one with more begins another. Thread-safe: what changes is volatile.
 */
final class PendingOpening {
  private final Deadline deadline;
  private final CompletableFuture<View> result = new CompletableFuture<>();
  private volatile Optional<IOException> trouble = Optional.empty();

  PendingOpening(Deadline deadline) {
    this.deadline = deadline;
  }

  Deadline deadline() {
    return deadline;
  }

  CompletableFuture<View> result() {
    return result;
  }

  /** Notes what hinders the opening while it goes on; empty if nothing does any more. */
  void note(Optional<IOException> hindrance) {
    trouble = hindrance;
  }

  /**
   * Returns the view as soon as it is open.
   *
   * @throws IOException what the opening failed with; at the caller's deadline {@link
   *     ViewException.NoFiles} or {@link ReplicaException.Unavailable} with the last trouble
   */
  View await(Deadline ofCaller, BooleanSupplier isCancelled, String what) throws IOException {
    try {
      return Waits.await(result, ofCaller, isCancelled, what);
    } catch (ReplicaException.Unavailable e) {
      Optional<IOException> hindrance = trouble;
      if (result.isDone() || hindrance.isEmpty()) {
        throw e;
      }
      IOException last = hindrance.get();
      String message = String.valueOf(last.getMessage());
      throw last instanceof ViewException.NoFiles
          ? new ViewException.NoFiles(message, last)
          : new ReplicaException.Unavailable(e.getMessage() + ", last: " + message, last);
    }
  }

  /**
   * Returns whether a caller with more time may succeed where this opening failed for want of it.
   */
  boolean endedForWantOfTime(IOException failure) {
    return deadline.hasPassed()
        || failure instanceof ReplicaException.Unavailable
        || failure instanceof ViewException.NoFiles;
  }
}
