package dev.sluice.replicator.metrics;

import dev.sluice.replicator.DatabaseFigures;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.capture.CheckpointFigures;
import dev.sluice.replicator.control.Databases;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.control.HttpCall;
import dev.sluice.replicator.control.HttpReply;
import dev.sluice.replicator.levels.LevelFigures.Work;
import dev.sluice.storage.RequestMeter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * The metrics of a daemon, as Prometheus reads them. All is asked for when somebody scrapes, so
 * that a commit costs nothing here. The labels are as many as there are databases. Thread-safe.
 *
 * <p>What Litestream measures has its name and its labels, and those among its counters whose names
 * do not end in {@code _total} are untyped, as the format's library allows no other name for one.
 * What it does not measure begins with {@code sluice_}.
 */
@SuppressWarnings("LongDoubleConversion") // a sample is a double; exact up to 2^53
public final class Metrics {
  private static final String DB = "db";
  private static final double NANOS_PER_SECOND = 1e9;

  private final Databases databases;
  private final Health health;

  public Metrics(Databases databases, Health health) {
    this.databases = databases;
    this.health = health;
  }

  /** Answers {@code /metrics}. */
  public CompletableFuture<HttpReply> answer(HttpCall call) {
    return CompletableFuture.completedFuture(
        new HttpReply(HttpReply.OK, PrometheusTextFormatWriter.CONTENT_TYPE, text()));
  }

  /** Returns what is so now, in the text format of Prometheus. */
  public String text() {
    Samples samples = new Samples();
    for (Registered database : databases.all()) {
      String path = database.path().toString();
      position(samples, database, path);
      DatabaseFigures figures = database.last().figures();
      work(samples, figures, path);
      requests(samples, figures.requests(), path, scheme(database.replica()));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      PrometheusTextFormatWriter.create().write(out, samples.snapshots());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private static String scheme(String location) {
    int end = location.indexOf(':');
    return end < 0 ? "file" : location.substring(0, end);
  }

  private void position(Samples samples, Registered database, String path) {
    DatabaseStatus status = database.last().status();
    samples.gauge("litestream_db_size", "Bytes of the database file.", bytes(path), DB, path);
    samples.gauge("litestream_wal_size", "Bytes of the WAL.", bytes(path + "-wal"), DB, path);
    samples.gauge("litestream_txid", "Newest TXID captured.", status.cut().value(), DB, path);
    samples.gauge(
        "sluice_replica_txid",
        "Newest TXID that the replica is known to have.",
        status.uploaded().value(),
        DB,
        path);
    samples.gauge(
        "sluice_lag_txids",
        "TXIDs captured that the replica does not have.",
        Math.max(0, status.cut().value() - status.uploaded().value()),
        DB,
        path);
    samples.gauge(
        "sluice_lag_seconds",
        "How long the oldest commit waits that the replica does not have.",
        seconds(lag(database)),
        DB,
        path);
    samples.gauge(
        "sluice_unsynced_seconds",
        "For how long the replica has not had everything.",
        seconds(database.last().unsyncedFor()),
        DB,
        path);
    samples.gauge(
        "sluice_spool_bytes",
        "Bytes of the spool that the replica does not have.",
        status.waitingBytes(),
        DB,
        path);
    samples.gauge(
        "sluice_healthy",
        "1, or 0 if /healthz complains.",
        health.problem(database).isEmpty() ? 1 : 0,
        DB,
        path);
  }

  /** What is committed while a database is not captured is not known, nor that it is nothing. */
  private static Duration lag(Registered database) {
    DatabaseStatus status = database.last().status();
    boolean isKnown =
        status.phase() == DatabaseStatus.Phase.CAPTURING
            || database.isStopped()
            || Health.isWaitedFor(database);
    Duration unsynced = database.last().unsyncedFor();
    return isKnown || unsynced.compareTo(status.lag()) < 0 ? status.lag() : unsynced;
  }

  private static void work(Samples samples, DatabaseFigures figures, String path) {
    samples.litestreamCounter(
        "litestream_sync_count", "Captures of commits.", figures.captures(), DB, path);
    samples.litestreamCounter(
        "litestream_sync_seconds",
        "Seconds spent capturing.",
        seconds(figures.captureTime()),
        DB,
        path);
    samples.litestreamCounter(
        "litestream_sync_error_count",
        "Times that replication could not go on.",
        figures.troubles(),
        DB,
        path);
    samples.counter(
        "sluice_captured_frames_total",
        "Frames taken from the WAL.",
        figures.capturedFrames(),
        DB,
        path);
    checkpoints(samples, figures.checkpoints(), path);
    samples.counter(
        "sluice_repairs_total",
        "Times that the database was compared with what was captured, after a gap.",
        figures.repairs(),
        DB,
        path);
    Map<String, Work> kinds = new LinkedHashMap<>();
    kinds.put("compaction", figures.levels().compactions());
    kinds.put("snapshot", figures.levels().snapshots());
    kinds.put("deletion", figures.levels().deletions());
    kinds.put("listing", figures.levels().listings());
    kinds.forEach((kind, work) -> levels(samples, kind, work, path));
    for (int level = 0; level < figures.levels().fileCounts().size(); level++) {
      samples.gauge(
          "sluice_replica_files",
          "Files of the replica.",
          figures.levels().fileCounts().get(level),
          DB,
          path,
          "level",
          Integer.toString(level));
    }
  }

  private static void checkpoints(Samples samples, CheckpointFigures figures, String path) {
    String[] labels = {DB, path, "mode", "PASSIVE"};
    samples.litestreamCounter(
        "litestream_checkpoint_count", "Checkpoints of ours.", figures.count(), labels);
    samples.litestreamCounter(
        "litestream_checkpoint_seconds", "Seconds of them.", seconds(figures.time()), labels);
    samples.litestreamCounter(
        "litestream_checkpoint_error_count", "Those that failed.", figures.errors(), labels);
    samples.counter(
        "sluice_barriers_total",
        "Times that writers were kept out for a checkpoint.",
        figures.barriers().count(),
        DB,
        path);
    samples.counter(
        "sluice_barrier_seconds_total",
        "Seconds for which writers were kept out.",
        seconds(figures.barriers().sum()),
        DB,
        path);
    samples.gauge(
        "sluice_barrier_p99_seconds",
        "What 99 of 100 barriers did not pass since the database was opened last.",
        seconds(figures.barriers().percentile(99)),
        DB,
        path);
    samples.gauge(
        "sluice_barrier_max_seconds",
        "The longest of them.",
        seconds(figures.barriers().max()),
        DB,
        path);
    samples.counter(
        "sluice_barrier_misses_total",
        "Checkpoints for which no moment without writers was found.",
        figures.barrierMisses(),
        DB,
        path);
  }

  private static void levels(Samples samples, String kind, Work work, String path) {
    String[] labels = {DB, path, "kind", kind};
    samples.counter("sluice_upkeep_total", "Work on the replica's levels.", work.count(), labels);
    samples.counter("sluice_upkeep_errors_total", "Such work that failed.", work.errors(), labels);
    samples.counter(
        "sluice_upkeep_seconds_total", "Seconds of such work.", seconds(work.time()), labels);
    samples.counter("sluice_upkeep_read_bytes_total", "Bytes it read.", work.inputBytes(), labels);
    samples.counter(
        "sluice_upkeep_written_bytes_total", "Bytes it stored.", work.outputBytes(), labels);
  }

  private static void requests(
      Samples samples, RequestMeter.Snapshot requests, String path, String scheme) {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("LIST", requests.lists());
    counts.put("GET", requests.gets());
    counts.put("HEAD", requests.heads());
    counts.put("PUT", requests.puts());
    counts.put("DELETE", requests.deletes());
    counts.forEach(
        (operation, count) ->
            samples.counter(
                "litestream_replica_operation_total",
                "Requests to the replica's storage.",
                count,
                labels(path, scheme, operation)));
    samples.litestreamCounter(
        "litestream_replica_operation_bytes",
        "Bytes of files received and stored.",
        requests.bytes(),
        labels(path, scheme, "GET"));
    samples.litestreamCounter(
        "litestream_replica_operation_bytes",
        "Bytes of files received and stored.",
        requests.sentBytes(),
        labels(path, scheme, "PUT"));
    samples.counter(
        "sluice_replica_errors_total",
        "Requests that failed, each attempt.",
        requests.failures(),
        DB,
        path);
    samples.counter(
        "sluice_request_cost_usd_total",
        "What the requests cost at the prices of Amazon S3 Standard, us-east-1.",
        Prices.usd(scheme, requests),
        DB,
        path);
  }

  private static String[] labels(String path, String scheme, String operation) {
    return new String[] {DB, path, "replica_type", scheme, "operation", operation};
  }

  /** Of what is not there, nothing. */
  private static long bytes(String file) {
    try {
      return Files.size(Path.of(file));
    } catch (IOException e) {
      return 0;
    }
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / NANOS_PER_SECOND;
  }
}
