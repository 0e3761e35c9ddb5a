package dev.sluice.replicator.control;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.ReplicatedDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
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
   * @param isStopped whether somebody has stopped it
   */
  public record Registered(
      DatabaseSettings settings,
      String replica,
      String place,
      Supplier<ReplicatedDatabase> starter,
      ReplicatedDatabase last,
      boolean isStopped) {

    public Path path() {
      return settings.path();
    }

    /** Returns whether it is replicated, or will be as soon as that can be done. */
    public boolean isOpen() {
      return !isStopped && last.status().phase() != DatabaseStatus.Phase.STOPPED;
    }

    private Registered stopped() {
      return new Registered(settings, replica, place, starter, last, true);
    }

    private Registered begun() {
      return new Registered(settings, replica, place, starter, starter.get(), false);
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
      Registered added = new Registered(settings, replica, place, starter, starter.get(), false);
      byPath.put(settings.path(), added);
      return added;
    }
  }

  /** Returns the database at a path, absolute or relative to the working directory. */
  public Optional<Registered> find(Path path) {
    return Optional.ofNullable(byPath.get(path.toAbsolutePath().normalize()));
  }

  /** Returns all of them, by path. */
  public List<Registered> all() {
    return byPath.values().stream().sorted(Comparator.comparing(Registered::path)).toList();
  }

  /**
   * Replicates a database again, unless it is; false then.
   *
   * <p>One that has given up by itself is let go of first. The future fails with an {@link
   * IllegalArgumentException} if it cannot be started.
   */
  CompletableFuture<Boolean> start(Registered database) {
    if (database.isOpen()) {
      return CompletableFuture.completedFuture(false);
    }
    return database.last().end(Duration.ZERO).thenApply(ended -> begin(database));
  }

  /** Returns false if it was begun, or forgotten, meanwhile. */
  private boolean begin(Registered database) {
    synchronized (lock) {
      if (!database.equals(byPath.get(database.path()))) {
        return false;
      }
      byPath.put(database.path(), database.begun());
      return true;
    }
  }

  /**
   * Ships what is captured of a database, within a limit, and lets go of it; false if it was. It
   * counts as stopped from now on.
   */
  CompletableFuture<Boolean> stop(Registered database, Duration limit) {
    boolean wasOpen = database.isOpen();
    synchronized (lock) {
      byPath.replace(database.path(), database, database.stopped());
    }
    return wasOpen
        ? database.last().end(limit).thenApply(ended -> true)
        : CompletableFuture.completedFuture(false);
  }

  /** As {@link #stop}, and forgets the database. */
  public CompletableFuture<Void> unregister(Registered database, Duration limit) {
    synchronized (lock) {
      byPath.remove(database.path(), database);
    }
    return database.last().end(limit);
  }
}
