package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/** Who waits for what is committed to be in the replica, until a step sees to it. Thread-safe. */
final class AskedSyncs {
  private final ConcurrentLinkedQueue<CompletableFuture<Txid>> asked =
      new ConcurrentLinkedQueue<>();

  CompletableFuture<Txid> add() {
    CompletableFuture<Txid> done = new CompletableFuture<>();
    asked.add(done);
    return done;
  }

  /** Has those wait on that could not be seen to. */
  void addAgain(Collection<CompletableFuture<Txid>> syncs) {
    asked.addAll(syncs);
  }

  /** Takes all who wait; what comes later asks for later commits. */
  List<CompletableFuture<Txid>> take() {
    return Stream.generate(asked::poll)
        .takeWhile(Objects::nonNull)
        .filter(done -> !done.isDone())
        .toList();
  }

  /** Fails all who wait. */
  void fail(IOException why) {
    take().forEach(done -> done.completeExceptionally(why));
  }
}
