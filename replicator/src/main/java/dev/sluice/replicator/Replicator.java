package dev.sluice.replicator;

import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Replicates live SQLite databases, beside the applications that write them or in their process:
 * each commit is captured within milliseconds, and what was captured goes to the replica.
 *
 * <p>The threads are as many for a thousand databases as for one. Thread-safe.
 *
 * <pre>{@code
 * try (Replicator replicator = Replicator.builder().start()) {
 *   ReplicatedDatabase database =
 *       replicator.add(Path.of("app.db"), ReplicaUrl.parse("s3://bucket/app"));
 *   ...
 *   database.syncAndWait(Duration.ofSeconds(10));
 * }
 * }</pre>
 */
public final class Replicator implements AutoCloseable {
  private final Environment environment;
  private final Duration endLimit;
  private final ReplicatorListener listener;
  private final Consumer<Enum<?>> steps;
  private final Workers workers = new Workers();
  private final Map<Path, ReplicatedDatabase> databases = new ConcurrentHashMap<>();

  /** Changes under this object's monitor, as what is replicated does. */
  private volatile boolean isClosed;

  private Replicator(Builder builder) {
    this.environment = builder.environment;
    this.endLimit = builder.endLimit;
    this.listener = builder.listener;
    this.steps = builder.steps;
  }

  /** Makes a {@link Replicator}. Confined to one thread at a time. */
  public static final class Builder {
    private Environment environment = Environment.ofProcess();
    private Duration endLimit = Duration.ofSeconds(30);
    private ReplicatorListener listener = new ReplicatorListener() {};
    private Consumer<Enum<?>> steps = step -> {};

    private Builder() {}

    /** Sets where credentials and the like are looked for; the process's environment by default. */
    public Builder environment(Environment from) {
      this.environment = from;
      return this;
    }

    /** Sets how long {@link Replicator#close} waits for the last uploads; 30 seconds by default. */
    public Builder endLimit(Duration limit) {
      this.endLimit = limit;
      return this;
    }

    /** Sets who hears of what is done. */
    public Builder listener(ReplicatorListener hears) {
      this.listener = hears;
      return this;
    }

    /** Sets who hears of every step of {@code SpoolStep} and its like: for tests that crash. */
    Builder steps(Consumer<Enum<?>> hears) {
      this.steps = hears;
      return this;
    }

    /** Returns a replicator without a database. */
    public Replicator start() {
      return new Replicator(this);
    }
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Replicates a database with the defaults, as the other does. */
  public ReplicatedDatabase add(Path database, ReplicaUrl replica) {
    return add(DatabaseSettings.of(database), replica);
  }

  /**
   * Begins to replicate a database, which need not exist yet. Makes no request on this thread.
   *
   * @throws IllegalArgumentException if the replica's URL cannot be used, or the database is
   *     replicated already
   * @throws IllegalStateException if this is closed
   */
  public ReplicatedDatabase add(DatabaseSettings settings, ReplicaUrl replica) {
    String endpoint = Optional.ofNullable(replica.query().get("endpoint")).orElse("");
    Optional<String> place = Optional.of(replica.location() + " " + endpoint);
    return add(settings, ReplicaClients.open(replica, environment), place);
  }

  /**
   * As the other does.
   *
   * @param client makes one attempt for each call; it is closed with the replicator, or when this
   *     fails; of a replica that nobody else here writes to
   */
  public ReplicatedDatabase add(DatabaseSettings settings, ReplicaClient client) {
    return add(settings, client, Optional.empty());
  }

  private ReplicatedDatabase add(
      DatabaseSettings settings, ReplicaClient client, Optional<String> place) {
    DatabaseTask task = new DatabaseTask(settings, client, workers, listener, steps);
    ReplicatedDatabase added = new ReplicatedDatabase(task, place, this::remove);
    register(added, client, () -> workers.watch().add(settings.path(), task::changed));
    task.changed();
    return added;
  }

  /**
   * @param also what belongs to who is registered, as the watch
   */
  private void register(ReplicatedDatabase added, ReplicaClient client, Runnable also) {
    try {
      synchronized (this) {
        register(added);
        also.run();
      }
    } catch (IllegalArgumentException | IllegalStateException e) {
      client.close();
      throw e;
    }
  }

  /**
   * Ships what the spool of a database that is not there holds, and lets go of it. Where the
   * replica does not end where the spool goes on nothing is shipped, and the log says so: a spool
   * that has a gap before it is set aside, in a folder {@code META-PATH.left-N} that nobody
   * deletes; one to whose replica somebody else has written stays where it is.
   *
   * @param client as of {@link #add(DatabaseSettings, ReplicaClient)}; it is closed
   * @param patience how long there may be a trouble, as a storage that is away, without anything
   *     being shipped
   * @throws IOException if not all could be shipped, or this thread was interrupted
   * @throws IllegalArgumentException if the database is replicated already
   */
  public void shipLeft(DatabaseSettings settings, ReplicaClient client, Duration patience)
      throws IOException {
    DatabaseTask task = new DatabaseTask(settings, client, workers, listener, steps);
    ReplicatedDatabase left = new ReplicatedDatabase(task, Optional.empty(), this::remove);
    register(left, client, () -> {});
    try {
      LeftSpool.ship(task, patience);
    } finally {
      var unused = task.ended().thenRun(() -> remove(left)); // if interrupted, that is later
    }
    if (isClosed) {
      throw new IOException(settings.path() + ": the replicator was closed meanwhile");
    }
  }

  /** Whoever closes this sees all that are registered. */
  private synchronized void register(ReplicatedDatabase added) {
    if (isClosed) {
      throw new IllegalStateException("replicate " + added.path() + ": the replicator is closed");
    }
    if (databases.containsKey(added.path())) {
      throw new IllegalArgumentException(added.path() + " is replicated already");
    }
    for (ReplicatedDatabase other : databases.values()) {
      if (added.place().isPresent() && added.place().equals(other.place())) {
        throw new IllegalArgumentException(
            added.path()
                + ": "
                + added.status().replica()
                + " is the replica of "
                + other.path()
                + " already");
      }
    }
    databases.put(added.path(), added);
  }

  /** One that was added under the same path after it had ended stays. */
  private synchronized void remove(ReplicatedDatabase ended) {
    if (databases.remove(ended.path(), ended)) {
      workers.watch().remove(ended.path());
    }
  }

  /** Returns what is replicated. */
  public Collection<ReplicatedDatabase> databases() {
    return List.copyOf(databases.values());
  }

  /** Returns the database with a path, if it is replicated. */
  public Optional<ReplicatedDatabase> database(Path path) {
    return Optional.ofNullable(databases.get(path.toAbsolutePath().normalize()));
  }

  /** Ships what is captured, within the limit, and lets go of all databases. Idempotent. */
  @Override
  public void close() {
    Collection<ReplicatedDatabase> open = closeToOthers();
    List<CompletableFuture<Void>> ends =
        open.stream().map(database -> database.end(endLimit)).toList();
    try {
      CompletableFuture.allOf(ends.toArray(new CompletableFuture<?>[0]))
          .get(endLimit.plusSeconds(1).toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // Each database says itself what it could not ship.
    }
    workers.close();
    open.forEach(ReplicatedDatabase::abandon);
  }

  private synchronized Collection<ReplicatedDatabase> closeToOthers() {
    isClosed = true;
    return databases();
  }
}
