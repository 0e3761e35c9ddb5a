package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells of attempts that fail while whoever makes them goes on: which call, how often, and why.
 *
 * <p>It stands below what tries again, because that tells only at its end. Closing it closes
 * nothing. Thread-safe: what changes is under this object's private lock; the listener is called
 * outside of it, on threads of the client.
 */
final class TroubleNotingClient extends ForwardingReplicaClient {
  private final Object lock = new Object();
  private final Consumer<Optional<IOException>> listener;
  private final Map<String, Integer> failures = new HashMap<>();

  /**
   * @param listener is told each failure with what failed and how often it was tried, and empty
   *     when every call that had failed has gone well since
   */
  TroubleNotingClient(ReplicaClient inner, Consumer<Optional<IOException>> listener) {
    super(inner);
    this.listener = listener;
  }

  @SuppressWarnings("FutureReturnValueIgnored") // what is noted does not throw
  private <T> CompletableFuture<T> noting(String what, CompletableFuture<T> attempt) {
    attempt.whenComplete((value, failure) -> note(what, failure));
    return attempt;
  }

  private void note(String what, @Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause == null) {
      noteSuccess(what);
    } else if (cause instanceof ReplicaException.Unavailable) {
      noteFailure(what, String.valueOf(cause.getMessage()), cause);
    } else if (cause instanceof CancellationException) {
      noteFailure(what, "no answer", cause);
    }
  }

  private void noteSuccess(String what) {
    boolean isLast;
    synchronized (lock) {
      isLast = failures.remove(what) != null && failures.isEmpty();
    }
    if (isLast) {
      listener.accept(Optional.empty());
    }
  }

  private void noteFailure(String what, String reason, Throwable cause) {
    int count;
    synchronized (lock) {
      count = failures.merge(what, 1, Integer::sum);
    }
    String times = count == 1 ? "once" : count + " times";
    listener.accept(
        Optional.of(
            new ReplicaException.Unavailable(what + ": tried " + times + ": " + reason, cause)));
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    return noting("list level " + level + " of " + location(), inner.list(level, from));
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    return noting("read " + location(file.name()), inner.read(file, offset, length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    return noting("read tail of " + location(name), inner.readTail(name, length));
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return noting("open " + location(file.name()), inner.open(file));
  }

  @Override
  public void close() {}
}
