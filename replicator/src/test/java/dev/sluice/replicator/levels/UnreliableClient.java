package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A client whose calls fail as the test decides: before they have done anything, or after. It also
 * says what was stored and deleted, whatever the caller was told. Confined to one thread.
 */
final class UnreliableClient extends ForwardingReplicaClient {

  /** What becomes of a call. */
  enum Outcome {
    GOOD,
    FAILS_BEFORE,
    FAILS_AFTER
  }

  /** Hears what has happened in the replica. */
  interface Events {
    void stored(LtxFileName name);

    /** Called before and after the files are gone. */
    void deleting(Collection<LtxFileName> names, Runnable delete);
  }

  private final Function<String, Outcome> outcomes;
  private final Events events;
  final List<String> requests = new ArrayList<>();

  UnreliableClient(ReplicaClient inner, Function<String, Outcome> outcomes, Events events) {
    super(inner);
    this.outcomes = outcomes;
    this.events = events;
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    return call("list", () -> inner.list(level, from));
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    return call("read " + file.name(), () -> inner.read(file, offset, length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    return call("tail " + name, () -> inner.readTail(name, length));
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return call("open " + file.name(), () -> inner.open(file));
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    return call(
        "create " + name,
        () -> {
          CompletableFuture<LtxFile> created =
              inner.createIfAbsent(name, content, timestamp, progress);
          if (!created.isCompletedExceptionally()) {
            events.stored(name);
          }
          return created;
        });
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    return call(
        "delete " + names,
        () -> {
          List<CompletableFuture<Void>> deleted = new ArrayList<>();
          events.deleting(names, () -> deleted.add(inner.delete(names)));
          return deleted.get(0);
        });
  }

  private <T> CompletableFuture<T> call(String what, Supplier<CompletableFuture<T>> call) {
    requests.add(what);
    Outcome outcome = outcomes.apply(what);
    if (outcome == Outcome.FAILS_BEFORE) {
      return CompletableFuture.failedFuture(new ReplicaException.Unavailable(what));
    }
    CompletableFuture<T> answer = call.get();
    boolean isWrite = what.startsWith("create") || what.startsWith("delete");
    if (outcome == Outcome.FAILS_AFTER && !answer.isCompletedExceptionally()) {
      return CompletableFuture.failedFuture(
          isWrite
              ? new ReplicaException.OutcomeUnknown(what)
              : new ReplicaException.Unavailable(what));
    }
    return answer;
  }

  /** Returns the requests that begin with a word. */
  long count(String word) {
    return requests.stream().filter(request -> request.startsWith(word)).count();
  }
}
