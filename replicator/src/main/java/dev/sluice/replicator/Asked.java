package dev.sluice.replicator;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who has asked for something of a database, until a step sees to it. Those who have given up are
 * not kept. Thread-safe.
 *
 * @param <T> what they are told
 */
@SuppressWarnings("CollectionUndefinedEquality") // each is equal to itself only, as is meant
final class Asked<T> {
  private final Set<CompletableFuture<T>> waiting = ConcurrentHashMap.newKeySet();
  private volatile Optional<IOException> end = Optional.empty();

  /** Returns what is done when a step has seen to it; one that has failed after the end. */
  CompletableFuture<T> add() {
    CompletableFuture<T> done = new CompletableFuture<>();
    waiting.add(done);
    var unused = done.whenComplete((told, failure) -> waiting.remove(done));
    end.ifPresent(done::completeExceptionally);
    return done;
  }

  /** Has those wait on that could not be seen to. */
  void addAgain(Collection<CompletableFuture<T>> asked) {
    waiting.addAll(asked);
    waiting.removeIf(CompletableFuture::isDone); // who gave up in between
    end.ifPresent(this::fail);
  }

  /** Takes all who wait; what comes later asks for what is later. */
  List<CompletableFuture<T>> take() {
    return List.copyOf(waiting).stream()
        .filter(waiting::remove)
        .filter(done -> !done.isDone())
        .toList();
  }

  /** Fails all who wait. */
  void fail(IOException why) {
    take().forEach(done -> done.completeExceptionally(why));
  }

  /** Fails all who wait, and all who come: nobody sees to them any more. */
  void end(IOException why) {
    end = Optional.of(why);
    fail(why);
  }
}
