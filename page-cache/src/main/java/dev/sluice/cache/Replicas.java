package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * The replicas that a process has open: one for each URL, query and user info included, however
 * often it is acquired, and another as soon as a listing shows that the prefix was begun anew.
 *
 * <p>All clients read the same environment, so equal URLs are equal replicas. Thread-safe: what
 * changes is under this object's private lock, and nothing is opened or closed under it.
 */
public final class Replicas implements AutoCloseable {
  private final Object lock = new Object();
  private final SharedMemory memory;
  private final Function<ReplicaUrl, ReplicaClient> clients;
  private final ReplicaSetup setup;
  private final Map<ReplicaUrl, Shared> byUrl = new HashMap<>();
  private final IdentityHashMap<Replica, Shared> byReplica = new IdentityHashMap<>();
  private boolean isClosed;

  /** One replica and those who share it. What changes is under the lock of {@link Replicas}. */
  private static final class Shared {
    final ReplicaUrl url;
    final CompletableFuture<Replica> replica = new CompletableFuture<>();
    int users;
    boolean isAbandoned;
    Runnable close = () -> {};

    Shared(ReplicaUrl url) {
      this.url = url;
    }

    boolean isReplaced() {
      return replica.isDone() && !replica.isCompletedExceptionally() && replica.join().isReplaced();
    }
  }

  /** Takes the memory for each replica's control, and what clients may look at. */
  public Replicas(SharedMemory memory, Environment environment) {
    this(memory, environment, ReplicaListener.NONE);
  }

  /** As the other, and tells a listener what happens. */
  public Replicas(SharedMemory memory, Environment environment, ReplicaListener listener) {
    this(clientsIn(environment), memory, ReplicaSetup.standard(listener));
  }

  Replicas(Function<ReplicaUrl, ReplicaClient> clients, SharedMemory memory) {
    this(clients, memory, ReplicaSetup.standard(ReplicaListener.NONE));
  }

  Replicas(Function<ReplicaUrl, ReplicaClient> clients, SharedMemory memory, ReplicaSetup setup) {
    this.memory = memory;
    this.clients = clients;
    this.setup = setup;
  }

  private static Function<ReplicaUrl, ReplicaClient> clientsIn(Environment environment) {
    return url -> ReplicaClients.open(url, environment);
  }

  /**
   * Returns the replica; makes no request. Whoever acquires it gives it back with {@link #release}.
   *
   * @throws IllegalArgumentException if the URL cannot be used
   * @throws IOException if another caller's thread is making the replica and does not end within
   *     the read timeout
   */
  public Replica acquire(ReplicaOptions options) throws IOException {
    dropReplaced(options.url());
    Shared shared;
    boolean isFirst;
    synchronized (lock) {
      if (isClosed) {
        throw new IllegalStateException("closed");
      }
      isFirst = !byUrl.containsKey(options.url());
      shared = byUrl.computeIfAbsent(options.url(), Shared::new);
      shared.users++;
    }
    if (isFirst) {
      make(shared, options);
    }
    boolean isAcquired = false;
    try {
      Deadline deadline = Deadline.after(options.readTimeout(), System::nanoTime);
      Replica replica = Waits.await(shared.replica, deadline, "open " + options.url());
      replica.share(options);
      isAcquired = true;
      return replica;
    } finally {
      if (!isAcquired) {
        release(shared);
      }
    }
  }

  /**
   * Those who have a replica that was replaced by another, or may have been, keep it; the next one
   * gets a new one, and the page store's folder.
   */
  private void dropReplaced(ReplicaUrl url) {
    Shared shared;
    synchronized (lock) {
      shared = byUrl.get(url);
      if (shared == null || !shared.isReplaced()) {
        return;
      }
      byUrl.remove(url);
    }
    shared.replica.join().giveUpStore();
  }

  private void make(Shared shared, ReplicaOptions options) {
    try {
      Replica replica = replica(clients.apply(options.url()), options);
      synchronized (lock) {
        shared.close = replica::close;
        byReplica.put(replica, shared);
      }
      new Announcer(replica, setup.listener()).opened();
      shared.replica.complete(replica);
    } catch (RuntimeException | Error e) {
      synchronized (lock) {
        byUrl.remove(options.url(), shared);
      }
      shared.replica.completeExceptionally(e);
    }
    closeIfAbandoned(shared);
  }

  private Replica replica(ReplicaClient client, ReplicaOptions options) {
    try {
      return new Replica(client, options, memory, setup);
    } catch (RuntimeException | Error e) {
      client.close();
      throw e;
    }
  }

  /**
   * Gives back what {@link #acquire} returned; the last one who does closes the replica. Does not
   * wait for its requests and threads to end.
   */
  public void release(Replica replica) {
    Shared shared;
    synchronized (lock) {
      shared = byReplica.get(replica);
    }
    if (shared != null) {
      release(shared);
    }
  }

  private void release(Shared shared) {
    synchronized (lock) {
      shared.users--;
      if (shared.users > 0) {
        return;
      }
      shared.isAbandoned = true;
      byUrl.remove(shared.url, shared);
    }
    closeIfAbandoned(shared);
  }

  private void closeIfAbandoned(Shared shared) {
    Runnable close;
    synchronized (lock) {
      if (!shared.isAbandoned) {
        return;
      }
      close = shared.close;
      shared.close = () -> {};
      byReplica.values().removeIf(other -> other == shared);
    }
    close.run();
  }

  /** Closes every replica, whoever still has it, and does not wait for the end. Idempotent. */
  @Override
  public void close() {
    List<Shared> all;
    synchronized (lock) {
      isClosed = true;
      Set<Shared> open = new HashSet<>(byUrl.values());
      open.addAll(byReplica.values());
      all = List.copyOf(open);
      byUrl.clear();
      all.forEach(shared -> shared.isAbandoned = true);
    }
    all.forEach(this::closeIfAbandoned);
  }
}
