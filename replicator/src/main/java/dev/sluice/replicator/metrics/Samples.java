package dev.sluice.replicator.metrics;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.UnknownSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** The values of one scrape, gathered by their names. Confined to one thread at a time. */
final class Samples {
  private final Map<String, Family> families = new LinkedHashMap<>();

  /** One value, and the names and values of its labels. */
  private record Sample(Labels labels, double value) {}

  /** All values of one name; how they become the library's. */
  private record Family(
      String help, List<Sample> samples, BiFunction<String, Family, MetricSnapshot> snapshot) {}

  void gauge(String name, String help, double value, String... labels) {
    add(name, help, new Sample(Labels.of(labels), value), Samples::gauges);
  }

  /** Adds to a counter whose name ends in {@code _total}. */
  void counter(String name, String help, double value, String... labels) {
    add(name, help, new Sample(Labels.of(labels), value), Samples::counters);
  }

  /** Adds to a counter whose name does not end in {@code _total}. */
  void litestreamCounter(String name, String help, double value, String... labels) {
    add(name, help, new Sample(Labels.of(labels), value), Samples::untyped);
  }

  private void add(
      String name,
      String help,
      Sample sample,
      BiFunction<String, Family, MetricSnapshot> snapshot) {
    families
        .computeIfAbsent(name, unused -> new Family(help, new ArrayList<>(), snapshot))
        .samples()
        .add(sample);
  }

  MetricSnapshots snapshots() {
    List<MetricSnapshot> all = new ArrayList<>();
    families.forEach((name, family) -> all.add(family.snapshot().apply(name, family)));
    return new MetricSnapshots(all);
  }

  private static MetricSnapshot gauges(String name, Family family) {
    GaugeSnapshot.Builder builder = GaugeSnapshot.builder().name(name).help(family.help());
    for (Sample one : family.samples()) {
      builder.dataPoint(
          GaugeSnapshot.GaugeDataPointSnapshot.builder()
              .labels(one.labels())
              .value(one.value())
              .build());
    }
    return builder.build();
  }

  private static MetricSnapshot counters(String name, Family family) {
    CounterSnapshot.Builder builder = CounterSnapshot.builder().name(name).help(family.help());
    for (Sample one : family.samples()) {
      builder.dataPoint(
          CounterSnapshot.CounterDataPointSnapshot.builder()
              .labels(one.labels())
              .value(one.value())
              .build());
    }
    return builder.build();
  }

  private static MetricSnapshot untyped(String name, Family family) {
    UnknownSnapshot.Builder builder = UnknownSnapshot.builder().name(name).help(family.help());
    for (Sample one : family.samples()) {
      builder.dataPoint(
          UnknownSnapshot.UnknownDataPointSnapshot.builder()
              .labels(one.labels())
              .value(one.value())
              .build());
    }
    return builder.build();
  }
}
