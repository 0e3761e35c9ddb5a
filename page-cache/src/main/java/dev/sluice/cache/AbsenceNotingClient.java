package dev.sluice.cache;

import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Remembers whether a file that was read turned out not to be there, or to be another one: then
 * what was concluded from a listing in which it stands is not sure. Closing it closes nothing.
 * Thread-safe.
 */
final class AbsenceNotingClient extends ForwardingReplicaClient {
  private volatile boolean hasMissed;

  AbsenceNotingClient(ReplicaClient inner) {
    super(inner);
  }

  /** Returns whether a read found its file gone. */
  boolean hasMissed() {
    return hasMissed;
  }

  @SuppressWarnings("FutureReturnValueIgnored") // what is noted does not throw
  private <T> CompletableFuture<T> noting(CompletableFuture<T> request) {
    request.whenComplete((value, failure) -> note(failure));
    return request;
  }

  private void note(@Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof ReplicaException.NotFound || cause instanceof ReplicaException.Conflict) {
      hasMissed = true;
    }
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    return noting(inner.read(file, offset, length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    return noting(inner.readTail(name, length));
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return noting(inner.open(file));
  }

  @Override
  public void close() {}
}
