package dev.sluice.vfs.micrometer;

import dev.sluice.cache.Replica;
import dev.sluice.storage.RequestMeter;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.BaseUnits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * The meters of the replicas at one place. There may be several at once: URLs that differ in their
 * queries, or a new replica while connections still have the one whose place it took. Thread-safe:
 * what changes is under a private lock.
 */
final class PlaceMeters {
  private static final String PREFIX = "sluice.replica.";

  final Counter published;
  final Counter failures;
  final Counter ended;
  final Counter relocated;
  final Counter rescued;

  private final Object lock = new Object();
  private final MeterRegistry registry;
  private final Tags tags;
  private final List<Meter> all = new ArrayList<>();

  /** In the order of their openings. Guarded by the lock, as what follows. */
  private final List<Replica> open = new ArrayList<>();

  /** What those that are closed had asked for. */
  private RequestMeter.Snapshot closed = new RequestMeter().snapshot();

  PlaceMeters(MeterRegistry registry, String location) {
    this.registry = registry;
    this.tags = Tags.of("replica", location);
    this.published = counter("published", "New views", "views");
    this.failures = counter("failures", "Looks for news and reads that failed", "failures");
    this.ended = counter("ended", "Replicas that are gone or were replaced", "replicas");
    this.relocated = counter("relocated", "Pages that are read from another file", "pages");
    this.rescued = counter("rescued", "Pages kept before their files expired", "pages");
    gauge("txid", "TXID of the latest view", "", PlaceMeters::txid);
    gauge("lag", "Time since it was proven the newest", "seconds", PlaceMeters::lagSeconds);
    gauge("cached", "Pages in memory", BaseUnits.BYTES, at -> at.sum(Replica::cachedBytes));
    gauge("kept", "Rescued pages", BaseUnits.BYTES, at -> at.sum(Replica::rescuedBytes));
    gauge("stored", "Pages in the page store", BaseUnits.BYTES, at -> at.sum(Replica::storedBytes));
    gauge("hydrated", "How much of the latest view", "percent", PlaceMeters::hydrationPercent);
    requests("list", RequestMeter.Snapshot::lists);
    requests("get", RequestMeter.Snapshot::gets);
    requests("head", RequestMeter.Snapshot::heads);
    ToLongFunction<RequestMeter.Snapshot> bytes = RequestMeter.Snapshot::bytes;
    all.add(
        FunctionCounter.builder(PREFIX + "received", this, at -> at.requested(bytes))
            .description("Bytes of files received")
            .baseUnit(BaseUnits.BYTES)
            .tags(tags)
            .register(registry));
  }

  private Counter counter(String name, String description, String unit) {
    Counter counter =
        Counter.builder(PREFIX + name)
            .description(description)
            .baseUnit(unit)
            .tags(tags)
            .register(registry);
    all.add(counter);
    return counter;
  }

  private void requests(String operation, ToLongFunction<RequestMeter.Snapshot> count) {
    all.add(
        FunctionCounter.builder(PREFIX + "requests", this, at -> at.requested(count))
            .description("Requests to the storage")
            .baseUnit("requests")
            .tags(tags.and("operation", operation))
            .register(registry));
  }

  private void gauge(
      String name, String description, String unit, ToDoubleFunction<PlaceMeters> value) {
    all.add(
        Gauge.builder(PREFIX + name, this, value)
            .description(description)
            .baseUnit(unit)
            .tags(tags)
            .register(registry));
  }

  void opened(Replica replica) {
    synchronized (lock) {
      open.add(replica);
    }
  }

  /** What it asked for still counts. */
  void closed(Replica replica) {
    synchronized (lock) {
      if (open.remove(replica)) {
        closed = closed.plus(replica.requests());
      }
    }
  }

  int openCount() {
    synchronized (lock) {
      return open.size();
    }
  }

  private Optional<Replica> newest() {
    synchronized (lock) {
      return open.isEmpty() ? Optional.empty() : Optional.of(open.get(open.size() - 1));
    }
  }

  private double txid() {
    Optional<Long> txid = newest().flatMap(Replica::published).map(view -> view.txid().value());
    return txid.map(Long::doubleValue).orElse(Double.NaN);
  }

  private double lagSeconds() {
    Optional<Duration> lag =
        newest().flatMap(replica -> replica.published().flatMap(replica::sinceProven));
    return lag.map(time -> time.toMillis() / 1000.0).orElse(Double.NaN);
  }

  private double hydrationPercent() {
    return newest().map(Replica::hydrationPercent).orElse(Double.NaN);
  }

  private double sum(ToLongFunction<Replica> value) {
    synchronized (lock) {
      return open.stream().mapToLong(value).sum();
    }
  }

  private double requested(ToLongFunction<RequestMeter.Snapshot> count) {
    synchronized (lock) {
      return open.stream().map(Replica::requests).mapToLong(count).sum()
          + count.applyAsLong(closed);
    }
  }

  /** Takes the meters out of the registry. */
  void remove() {
    all.forEach(registry::remove);
  }
}
