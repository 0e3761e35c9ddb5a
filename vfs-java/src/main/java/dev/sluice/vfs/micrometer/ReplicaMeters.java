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

/** The meters of one registry, a {@link PlaceMeters} for each place of a replica. Thread-safe. */
final class ReplicaMeters implements ReplicaListener, AutoCloseable {
  private final MeterRegistry registry;
  private final Map<String, PlaceMeters> places = new ConcurrentHashMap<>();
  private final Meter openReplicas;

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

  private PlaceMeters place(Replica replica) {
    return places.computeIfAbsent(
        replica.location(), location -> new PlaceMeters(registry, location));
  }

  @Override
  public void opened(Replica replica) {
    place(replica).opened(replica);
  }

  @Override
  public void closed(Replica replica) {
    place(replica).closed(replica);
  }

  @Override
  public void published(Replica replica, View view) {
    place(replica).published.increment();
  }

  @Override
  public void relocated(Replica replica, long pages) {
    place(replica).relocated.increment((double) pages);
  }

  @Override
  public void rescued(Replica replica, long pages) {
    place(replica).rescued.increment((double) pages);
  }

  @Override
  public void failed(Replica replica, IOException failure) {
    place(replica).failures.increment();
  }

  @Override
  public void ended(Replica replica, ViewException reason) {
    place(replica).ended.increment();
  }

  @Override
  public void close() {
    registry.remove(openReplicas);
    places.values().forEach(PlaceMeters::remove);
    places.clear();
  }
}
