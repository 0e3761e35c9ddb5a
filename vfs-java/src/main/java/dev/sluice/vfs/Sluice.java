package dev.sluice.vfs;

import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.storage.Environment;
import java.io.IOException;
import java.time.Clock;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Read replicas in this JVM.
 *
 * <p>Who uses {@link SluiceDriver} needs nothing of this class. Thread-safe.
 */
public final class Sluice {
  private static final Object lock = new Object();
  private static final Listeners listeners = new Listeners();

  /** Guarded by {@link #lock}; null while nothing is registered. */
  private static @Nullable Registration registration;

  private Sluice() {}

  /**
   * Makes the VFS {@code litestream} known to sqlite-jdbc, once; further calls do nothing.
   *
   * @throws SluiceException if the native library cannot be used here
   */
  public static void register() {
    Environment environment = Environment.ofProcess();
    register(() -> new ReplicaBackend(environment, Clock.systemUTC(), listeners), environment);
  }

  /**
   * Holds a replica for its connections, registering the VFS if need be. Makes no request: the
   * first connection does, or {@link dev.sluice.cache.Replica#at}.
   *
   * @throws IllegalArgumentException if the URL cannot be used
   * @throws IOException if another thread has begun to do the same and does not end in time
   * @throws SluiceException if the native library cannot be used here
   */
  public static OpenReplica open(ReplicaOptions options) throws IOException {
    register();
    Backend backend;
    synchronized (lock) {
      backend = Objects.requireNonNull(registration, "unregistered meanwhile").backend();
    }
    if (backend instanceof ReplicaBackend replicas) {
      return replicas.hold(options);
    }
    throw new IllegalStateException("registered with " + backend);
  }

  /**
   * Tells a listener what happens to the replicas of this class loader, registered or not yet; also
   * that those are open which are open now. What it throws is logged. A listener that was added
   * already is not added again.
   */
  public static void addListener(ReplicaListener listener) {
    listeners.add(listener);
  }

  /** Tells a listener nothing more; a call under way may still be ending. */
  public static void removeListener(ReplicaListener listener) {
    listeners.remove(listener);
  }

  /** As {@link #register()}, with another source of replicas. */
  static void register(Backend backend, Environment environment) {
    register(() -> backend, environment);
  }

  private static void register(Supplier<Backend> backend, Environment environment) {
    synchronized (lock) {
      if (registration != null && registration.isLeaving()) {
        unregister(0);
      }
      if (registration == null) {
        registration = Registration.of(backend.get(), environment);
      }
    }
  }

  /**
   * Takes the VFS away from this class loader, so that another may register it: for applications
   * that are redeployed into a running JVM. Open connections to replicas answer errors from then
   * on, until they are closed.
   *
   * @throws SluiceException if a read under way does not end, though nothing it waits for is there
   *     any more; a further call, or one of {@link #register()}, finishes what was begun
   */
  public static void unregister() {
    unregister(Registration.GOODBYE_MILLIS);
  }

  /** As {@link #unregister()}, with another time limit for a read under way. */
  static void unregister(int timeoutMillis) {
    synchronized (lock) {
      if (registration != null) {
        registration.unregister(timeoutMillis);
        registration = null;
      }
    }
  }
}
