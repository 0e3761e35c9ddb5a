package dev.sluice.replicator.control;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The databases of a daemon, those too that somebody has stopped and may start again: a replicator
 * knows only what it replicates. Thread-safe.
 */
public final class Databases {
  private final Starter starter;
  private final Map<Path, Registered> byPath = new ConcurrentHashMap<>();

  /** Begins to replicate a database, as a replicator's {@code add} does. */
  @FunctionalInterface
  public interface Starter {
    /**
     * Makes no request on this thread.
     *
     * @throws IllegalArgumentException if the replica cannot be used, or the database is replicated
     *     already
     */
    ReplicatedDatabase start(DatabaseSettings settings, ReplicaUrl replica);
  }

  /**
   * One of them. Immutable.
   *
   * @param last what replicates it, or did until it was stopped
   * @param isStopped whether somebody has stopped it
   */
  public record Registered(
      DatabaseSettings settings, ReplicaUrl replica, ReplicatedDatabase last, boolean isStopped) {

    public Path path() {
      return settings.path();
    }

    /** Returns whether it is replicated, or will be as soon as that can be done. */
    public boolean isOpen() {
      return !isStopped && last.status().phase() != DatabaseStatus.Phase.STOPPED;
    }

    private Registered stopped() {
      return new Registered(settings, replica, last, true);
    }
  }

  public Databases(Starter starter) {
    this.starter = starter;
  }

  /**
   * Begins to replicate a database, and keeps it in mind.
   *
   * @throws IllegalArgumentException if the replica cannot be used, or another database has it, or
   *     this one is replicated already
   */
  public Registered register(DatabaseSettings settings, ReplicaUrl replica) {
    for (Registered other : byPath.values()) {
      boolean isSame = other.replica().location().equals(replica.location());
      if (isSame && !other.path().equals(settings.path())) {
        throw new IllegalArgumentException(
            replica.location() + " is the replica of " + other.path() + " already");
      }
    }
    Registered added =
        new Registered(settings, replica, starter.start(settings, replica), false);
    byPath.put(settings.path(), added);
    return added;
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
    return database
        .last()
        .end(Duration.ZERO)
        .thenApply(
            ended -> {
              byPath.put(
                  database.path(),
                  new Registered(
                      database.settings(),
                      database.replica(),
                      starter.start(database.settings(), database.replica()),
                      false));
              return true;
            });
  }

  /** Ships what is captured of a database, within a limit, and lets go of it; false if it was. */
  CompletableFuture<Boolean> stop(Registered database, Duration limit) {
    if (!database.isOpen()) {
      byPath.replace(database.path(), database, database.stopped());
      return CompletableFuture.completedFuture(false);
    }
    return database
        .last()
        .end(limit)
        .thenApply(ended -> byPath.replace(database.path(), database, database.stopped()));
  }

  /** As {@link #stop}, and forgets the database. */
  CompletableFuture<Void> unregister(Registered database, Duration limit) {
    return database
        .last()
        .end(limit)
        .thenRun(() -> byPath.computeIfPresent(database.path(), (path, now) -> kept(now, database)));
  }

  /** One that was started again meanwhile is kept. */
  private static @Nullable Registered kept(
      Registered now, Registered database) {
    return now.last().equals(database.last()) ? null : now;
  }
}
