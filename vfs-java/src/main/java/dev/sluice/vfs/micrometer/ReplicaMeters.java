package dev.sluice.vfs.micrometer;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.View;
import dev.sluice.cache.ViewException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The meters of one registry, a {@link PlaceMeters} for each place of a replica. Thread-safe.
 *
 * <p>A listener may still be told something after it was removed: once this is closed, that counts
 * nowhere.
 */
final class ReplicaMeters implements ReplicaListener, AutoCloseable {
  private final Object lock = new Object();
  private final MeterRegistry registry;

  /** Changes under the lock only, so that none is added behind {@link #close()}. */
  private final Map<String, PlaceMeters> places = new ConcurrentHashMap<>();

  private final Meter openReplicas;

  /** Guarded by the lock. */
  private boolean isClosed;

  ReplicaMeters(MeterRegistry registry) {
    this.registry = registry;
    this.openReplicas =
        Gauge.builder("sluice.replicas", this, ReplicaMeters::openCount)
            .description("Replicas that are open")
            .register(registry);
  }

  private int openCount() {
    return places.values().stream().mapToInt(PlaceMeters::openCount).sum();
  }

  private void count(Replica replica, Consumer<PlaceMeters> what) {
    synchronized (lock) {
      if (!isClosed) {
        what.accept(
            places.computeIfAbsent(
                replica.location(), location -> new PlaceMeters(registry, location)));
      }
    }
  }

  @Override
  public void opened(Replica replica) {
    count(replica, place -> place.opened(replica));
  }

  @Override
  public void closed(Replica replica) {
    count(replica, place -> place.closed(replica));
  }

  @Override
  public void published(Replica replica, View view) {
    count(replica, place -> place.published.increment());
  }

  @Override
  public void relocated(Replica replica, long pages) {
    count(replica, place -> place.relocated.increment((double) pages));
  }

  @Override
  public void rescued(Replica replica, long pages) {
    count(replica, place -> place.rescued.increment((double) pages));
  }

  @Override
  public void failed(Replica replica, IOException failure) {
    count(replica, place -> place.failures.increment());
  }

  @Override
  public void ended(Replica replica, ViewException reason) {
    count(replica, place -> place.ended.increment());
  }

  @Override
  public void close() {
    synchronized (lock) {
      if (!isClosed) {
        isClosed = true;
        registry.remove(openReplicas);
        places.values().forEach(PlaceMeters::remove);
        places.clear();
      }
    }
  }
}
