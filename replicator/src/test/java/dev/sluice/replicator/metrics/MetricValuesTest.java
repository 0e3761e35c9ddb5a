package dev.sluice.replicator.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.FolderAway;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.control.TestDaemon;
import dev.sluice.storage.RequestMeter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the metrics say after something whose figures are known. */
final class MetricValuesTest {
  private static final Duration SURELY = Duration.ofSeconds(30);

  @TempDir Path folder;

  private TestDaemon daemon;
  private ReplicatedDatabase app;

  @BeforeEach
  void start() throws Exception {
    daemon = new TestDaemon(folder);
    app = daemon.replicate("app.db").last();
    app.syncAndWait(SURELY);
  }

  @AfterEach
  void stop() {
    daemon.close();
  }

  /** Returns the sample of a name whose labels end so. */
  private double value(String name, String lastLabel) {
    Metrics metrics =
        new Metrics(daemon.databases(), new Health(daemon.databases(), Health.LAG_LIMIT));
    List<String> found =
        metrics
            .text()
            .lines()
            .filter(line -> line.startsWith(name + "{") && line.contains(lastLabel + "} "))
            .toList();
    assertEquals(1, found.size(), () -> name + lastLabel + ": " + found);
    String line = found.get(0);
    return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
  }

  private Path replica() throws IOException {
    return Path.of(daemon.replica("app.db").path());
  }

  @Test
  void snapshotIsCountedWithItsBytesAndItsTime() throws Exception {
    String kind = "kind=\"snapshot\"";
    double before = value("sluice_upkeep_total", kind);
    double bytesBefore = value("sluice_upkeep_written_bytes_total", kind);
    daemon.write("app.db", "INSERT INTO t VALUES(randomblob(100000))");
    app.syncAndWait(SURELY);
    app.snapshot().get(SURELY.toSeconds(), TimeUnit.SECONDS);
    long bytes = Files.size(replica().resolve("ltx/9/0000000000000001-0000000000000002.ltx"));
    assertEquals(before + 1, value("sluice_upkeep_total", kind));
    assertEquals(bytesBefore + bytes, value("sluice_upkeep_written_bytes_total", kind));
    assertTrue(value("sluice_upkeep_read_bytes_total", kind) >= 100_000);
    assertTrue(value("sluice_upkeep_seconds_total", kind) > 0);
    assertEquals(0, value("sluice_upkeep_errors_total", kind));
    assertEquals(0, value("sluice_upkeep_total", "kind=\"compaction\""));
  }

  @Test
  void spoolHoldsWhatTheStorageDoesNotTakeAndTheReplicaIsBehindMeanwhile() throws Exception {
    assertEquals(0, value("sluice_spool_bytes", ""));
    assertEquals(0, value("sluice_unsynced_seconds", ""));
    FolderAway away = FolderAway.take(replica());
    long awayNanos = System.nanoTime();
    daemon.write("app.db", "INSERT INTO t VALUES(randomblob(100000))");
    while (value("sluice_spool_bytes", "") < 100_000) {
      assertTrue(System.nanoTime() - awayNanos < SURELY.toNanos(), "nothing waits");
    }
    double unsynced = value("sluice_unsynced_seconds", "");
    double more = value("sluice_unsynced_seconds", "");
    double seconds = (System.nanoTime() - awayNanos) / 1e9;
    assertTrue(0 < unsynced && unsynced < more && more <= seconds, () -> unsynced + " " + more);
    assertTrue(value("sluice_spool_bytes", "") < 150_000);
    away.bringBack();
    app.syncAndWait(SURELY);
    assertEquals(0, value("sluice_spool_bytes", ""));
    assertEquals(0, value("sluice_unsynced_seconds", ""));
  }

  @Test
  void longWalIsCheckpointedBehindABarrier() throws Exception {
    daemon.write("app.db", "INSERT INTO t VALUES(randomblob(8000000))"); // 2,000 pages
    long begunNanos = System.nanoTime();
    while (value("sluice_barriers_total", "") < 1) {
      assertTrue(System.nanoTime() - begunNanos < SURELY.toNanos(), "no barrier");
      daemon.write("app.db", "INSERT INTO t VALUES(randomblob(8000000))");
    }
    app.syncAndWait(SURELY);
    String passive = "mode=\"PASSIVE\"";
    assertTrue(value("litestream_checkpoint_count", passive) >= 1);
    assertTrue(value("litestream_checkpoint_seconds", passive) > 0);
    assertTrue(value("sluice_barrier_seconds_total", "") > 0);
    assertEquals(0, value("litestream_checkpoint_error_count", passive));
  }

  @Test
  void requestsCostWhatTheStorageAsksForThem() {
    assertEquals(0, value("sluice_request_cost_usd_total", ""), "a directory asks for nothing");
    RequestMeter.Snapshot requests =
        new RequestMeter.Snapshot(2000, 30_000, 10_000, 4000, 500, 0, 0, 0, 0, 0, 0);
    assertEquals(0, Prices.usd("file", requests));
    assertEquals(0.030 + 0.016, Prices.usd("s3", requests), 1e-9);
  }
}
