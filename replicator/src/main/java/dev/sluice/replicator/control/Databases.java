package dev.sluice.replicator.control;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.ReplicatedDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The databases of a daemon, those too that somebody has stopped and may start again: a replicator
 * knows only what it replicates. Changes under its private lock; thread-safe.
 */
public final class Databases {
  private final Object lock = new Object();
  private final Map<Path, Registered> byPath = new ConcurrentHashMap<>();

  /**
   * One of them. Immutable.
   *
   * @param replica its place, without credentials
   * @param place what it has in common with every other name of the same place
   * @param starter begins to replicate it, without a request on its thread; throws {@link
   *     IllegalArgumentException} if the replica cannot be used, or it is replicated already
   * @param last what replicates it, or did until it was stopped
   * @param ending when it is let go of, if somebody has stopped it
   */
  public record Registered(
      DatabaseSettings settings,
      String replica,
      String place,
      Supplier<ReplicatedDatabase> starter,
      ReplicatedDatabase last,
      Optional<CompletableFuture<Void>> ending) {

    public Path path() {
      return settings.path();
    }

    /** Returns whether somebody has stopped it. */
    public boolean isStopped() {
      return ending.isPresent();
    }

    /** Returns whether it is replicated, or will be as soon as that can be done. */
    public boolean isOpen() {
      return !isStopped() && last.status().phase() != DatabaseStatus.Phase.STOPPED;
    }

    private Registered stopped(CompletableFuture<Void> ending) {
      return new Registered(settings, replica, place, starter, last, Optional.of(ending));
    }

    private Registered begun() {
      return new Registered(settings, replica, place, starter, starter.get(), Optional.empty());
    }
  }

  /**
   * Begins to replicate a database, and keeps it in mind.
   *
   * @param place see {@link Registered}: no two databases have one
   * @throws IllegalArgumentException if another database has the replica, or as the starter throws
   *     it
   */
  public Registered register(
      DatabaseSettings settings,
      String replica,
      String place,
      Supplier<ReplicatedDatabase> starter) {
    synchronized (lock) {
      for (Registered other : byPath.values()) {
        if (other.place().equals(place) && !other.path().equals(settings.path())) {
          throw new IllegalArgumentException(
              replica + " is the replica of " + other.path() + " already");
        }
      }
      Registered added =
          new Registered(settings, replica, place, starter, starter.get(), Optional.empty());
      byPath.put(settings.path(), added);
      return added;
    }
  }

  /** Returns the database at a path, absolute or relative to the working directory. */
  public Optional<Registered> find(Path path) {
    return Optional.ofNullable(byPath.get(key(path)));
  }

  /** Returns all of them, by path. */
  public List<Registered> all() {
    return byPath.values().stream().sorted(Comparator.comparing(Registered::path)).toList();
  }

  /**
   * What was asked for has been done to a database.
   *
   * @param database as it was before
   * @param isNew whether anything was to be done for it
   */
  public record Done(Registered database, boolean isNew) {}

  /** A database was let go of, and the replica lacks what the message says. */
  public static final class UnshippedException extends IOException {
    private static final long serialVersionUID = 1L;

    UnshippedException(String message) {
      super(message);
    }
  }

  /**
   * Replicates a database again, unless it is; empty if there is none at the path.
   *
   * <p>One that is being let go of is that first, in the time that it has; one that has given up by
   * itself is let go of at once. The future fails with an {@link IllegalArgumentException} if it
   * cannot be started, with an {@link IOException} if it was forgotten meanwhile.
   */
  Optional<CompletableFuture<Done>> start(Path path) {
    return find(path).map(this::start);
  }

  private CompletableFuture<Done> start(Registered seen) {
    if (seen.isOpen()) {
      return CompletableFuture.completedFuture(new Done(seen, false));
    }
    return seen.ending()
        .orElseGet(() -> seen.last().end(Duration.ZERO))
        .thenCompose(ended -> begin(seen));
  }

  private CompletableFuture<Done> begin(Registered seen) {
    Registered now;
    synchronized (lock) {
      now = byPath.get(seen.path());
      if (seen.equals(now)) {
        byPath.put(seen.path(), seen.begun());
        return CompletableFuture.completedFuture(new Done(seen, true));
      }
    }
    return now == null
        ? CompletableFuture.failedFuture(new IOException("it was unregistered meanwhile"))
        : start(now);
  }

  /**
   * Ships what is captured of a database, within a limit, and lets go of it, unless somebody has
   * stopped it; empty if there is none at the path. It counts as stopped from now on.
   *
   * <p>Who comes while it is let go of waits for that, and does not change the time that it has.
   * The future fails with an {@link UnshippedException} as long as not all is shipped, with a
   * {@link java.util.concurrent.TimeoutException} if it is not let go of within the limit.
   */
  Optional<CompletableFuture<Done>> stop(Path path, Duration limit) {
    Registered before;
    CompletableFuture<Void> ending = new CompletableFuture<>();
    synchronized (lock) {
      before = byPath.get(key(path));
      if (before != null && !before.isStopped()) {
        byPath.put(before.path(), before.stopped(ending));
      }
    }
    return Optional.ofNullable(before).map(it -> letGo(it, ending, limit));
  }

  /** As {@link #stop}, and forgets the database, at once. */
  public Optional<CompletableFuture<Done>> unregister(Path path, Duration limit) {
    Registered before;
    synchronized (lock) {
      before = byPath.remove(key(path));
    }
    return Optional.ofNullable(before).map(it -> letGo(it, new CompletableFuture<>(), limit));
  }

  private static CompletableFuture<Done> letGo(
      Registered before, CompletableFuture<Void> ending, Duration limit) {
    boolean wasOpen = before.isOpen();
    CompletableFuture<Void> ended = ending;
    if (before.ending().isPresent()) {
      ended = before.ending().get().copy().orTimeout(limit.toNanos(), TimeUnit.NANOSECONDS);
    } else {
      var unused = before.last().end(limit).thenRun(() -> ending.complete(null));
    }
    return ended.thenApply(
        done -> {
          before
              .last()
              .unshipped()
              .ifPresent(
                  why -> {
                    throw new CompletionException(new UnshippedException(why));
                  });
          return new Done(before, wasOpen);
        });
  }

  private static Path key(Path path) {
    return path.toAbsolutePath().normalize();
  }
}
