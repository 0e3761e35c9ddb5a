package dev.sluice.replicator.metrics;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.FolderAway;
import dev.sluice.replicator.config.Heartbeat;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.control.HttpLimits;
import dev.sluice.replicator.control.HttpReply;
import dev.sluice.replicator.control.HttpRoutes;
import dev.sluice.replicator.control.HttpServer;
import dev.sluice.replicator.control.TestDaemon;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metrics, health and heartbeat as a monitoring system sees them, over HTTP. */
final class MetricsTest {
  private static final Duration SURELY = Duration.ofSeconds(30);
  private static final Pattern SAMPLE =
      Pattern.compile("([a-z0-9_]+)(?:\\{((?:[a-z_]+=\"[^\"]*\",?)*)})? ([-+0-9.eE]+|NaN)");

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private final HttpServer server = new HttpServer(HttpLimits.STANDARD);
  private TestDaemon daemon;
  private String address = "";

  @BeforeEach
  void start() throws IOException {
    daemon = new TestDaemon(folder);
    Health health = new Health(daemon.databases(), Duration.ofMillis(300));
    HttpRoutes routes =
        new HttpRoutes()
            .on("GET", "/metrics", new Metrics(daemon.databases(), health)::answer)
            .on("GET", "/healthz", health::answer);
    InetSocketAddress bound =
        server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), routes);
    address = "http://localhost:" + bound.getPort();
  }

  @AfterEach
  void stop() {
    server.close();
    daemon.close();
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(address + path)).timeout(SURELY).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Returns the samples by name and labels; each line must be one, or a comment. */
  private Map<String, Double> scrape() throws Exception {
    HttpResponse<String> response = get("/metrics");
    assertEquals(200, response.statusCode());
    assertTrue(response.headers().firstValue("content-type").orElse("").startsWith("text/plain;"));
    Map<String, Double> samples = new HashMap<>();
    for (String line : response.body().lines().toList()) {
      if (!line.startsWith("# HELP ") && !line.startsWith("# TYPE ")) {
        Matcher matcher = SAMPLE.matcher(line);
        assertTrue(matcher.matches(), line);
        samples.put(
            matcher.group(1) + "{" + matcher.group(2) + "}", Double.valueOf(matcher.group(3)));
      }
    }
    return samples;
  }

  private double value(Map<String, Double> samples, String name, String database, String more) {
    String key = name + "{db=\"" + daemon.path(database) + "\"" + more + "}";
    return assertNotNullValue(samples.get(key), key, samples);
  }

  private static double assertNotNullValue(
      @Nullable Double value, String key, Map<String, Double> samples) {
    assertNotNull(value, () -> key + " is not among " + samples.keySet());
    return value == null ? 0 : value;
  }

  @Test
  void metricsMoveWhenCommitsCome() throws Exception {
    Registered app = daemon.replicate("app.db");
    app.last().syncAndWait(SURELY);
    Map<String, Double> before = scrape();
    assertEquals(1, value(before, "litestream_txid", "app.db", ""));
    assertEquals(1, value(before, "sluice_replica_txid", "app.db", ""));
    assertEquals(1, value(before, "sluice_healthy", "app.db", ""));
    daemon.write("app.db", "INSERT INTO t VALUES(zeroblob(100000))");
    app.last().syncAndWait(SURELY);
    Map<String, Double> after = scrape();
    assertEquals(2, value(after, "litestream_txid", "app.db", ""));
    assertEquals(2, value(after, "sluice_replica_txid", "app.db", ""));
    for (String counter :
        new String[] {
          "litestream_sync_count", "litestream_sync_seconds", "sluice_captured_frames_total"
        }) {
      assertTrue(
          value(after, counter, "app.db", "") > value(before, counter, "app.db", ""), counter);
    }
    String put = ",operation=\"PUT\",replica_type=\"file\"";
    assertEquals(
        1,
        value(after, "litestream_replica_operation_total", "app.db", put)
            - value(before, "litestream_replica_operation_total", "app.db", put));
    assertTrue(
        value(after, "litestream_replica_operation_bytes", "app.db", put)
            > value(before, "litestream_replica_operation_bytes", "app.db", put));
    assertEquals(0, value(after, "sluice_lag_txids", "app.db", ""));
    assertEquals(0, value(after, "sluice_lag_seconds", "app.db", ""));
    String passive = ",mode=\"PASSIVE\"";
    assertEquals(0, value(after, "litestream_checkpoint_error_count", "app.db", passive));
    assertTrue(
        value(after, "litestream_checkpoint_count", "app.db", passive)
            >= value(after, "sluice_barriers_total", "app.db", ""));
    assertTrue(
        value(after, "sluice_barrier_p99_seconds", "app.db", "")
            <= value(after, "sluice_barrier_max_seconds", "app.db", ""));
    assertTrue(value(after, "litestream_db_size", "app.db", "") > 0);
  }

  @Test
  void eachDatabaseHasTheSameSamples() throws Exception {
    daemon.replicate("a.db").last().syncAndWait(SURELY);
    int one = scrape().size();
    daemon.replicate("b.db").last().syncAndWait(SURELY);
    assertEquals(2 * one, scrape().size());
  }

  @Test
  void healthTurnsWhenTheStorageIsAwayAndBack() throws Exception {
    Registered app = daemon.replicate("app.db");
    app.last().syncAndWait(SURELY);
    awaitHealth(200);
    assertEquals("ok\n", get("/healthz").body());
    Path replica = Path.of(daemon.replica("app.db").path());
    FolderAway away = FolderAway.take(replica);
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    HttpResponse<String> sick = awaitHealth(503);
    assertTrue(sick.body().matches(daemon.path("app.db") + ": \\d+ s behind: .*\n"), sick.body());
    assertEquals(0, value(scrape(), "sluice_healthy", "app.db", ""));
    assertTrue(value(scrape(), "sluice_replica_errors_total", "app.db", "") > 0);
    away.bringBack();
    app.last().syncAndWait(SURELY);
    awaitHealth(200);
  }

  /** All commits are stored: only what is made of them is not. */
  @Test
  void levelsThatCannotBeKeptAreNotHealthy() throws Exception {
    Registered app = daemon.replicate("app.db");
    app.last().syncAndWait(SURELY);
    awaitHealth(200);
    daemon.write("app.db", "INSERT INTO t VALUES(1)");
    app.last().syncAndWait(SURELY);
    Path snapshots = Path.of(daemon.replica("app.db").path()).resolve("ltx/9");
    FolderAway away = FolderAway.take(snapshots);
    CompletableFuture<Void> snapshot = app.last().snapshot();
    assertThrows(
        ExecutionException.class, () -> snapshot.get(SURELY.toSeconds(), TimeUnit.SECONDS));
    HttpResponse<String> sick = awaitHealth(503);
    String expected = daemon.path("app.db") + ": in trouble for \\d+ s: .*ltx/9.*\n";
    assertTrue(sick.body().matches(expected), sick.body());
    assertEquals(0, value(scrape(), "sluice_unsynced_seconds", "app.db", ""));
    away.bringBack();
    app.last().snapshot().get(SURELY.toSeconds(), TimeUnit.SECONDS);
    awaitHealth(200);
  }

  @Test
  void databaseThatWasGivenUpIsNotHealthy() throws Exception {
    Files.writeString(daemon.path("none.db"), "no database");
    Registered none = daemon.register(daemon.path("none.db"), daemon.replica("none.db"));
    awaitGivenUp(none);
    HttpResponse<String> sick = get("/healthz");
    assertEquals(503, sick.statusCode());
    String expected = daemon.path("none.db") + ": given up: .* not a SQLite database.*\n";
    assertTrue(sick.body().matches(expected), sick.body());
    assertEquals(0, value(scrape(), "sluice_healthy", "none.db", ""));
    assertEquals(1, value(scrape(), "litestream_sync_error_count", "none.db", ""));
  }

  private HttpResponse<String> awaitHealth(int status) throws Exception {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    HttpResponse<String> response = get("/healthz");
    while (response.statusCode() != status && System.nanoTime() < endNanos) {
      response = get("/healthz");
    }
    assertEquals(status, response.statusCode(), response::body);
    return response;
  }

  @Test
  void databaseThatIsWaitedForIsHealthy() throws Exception {
    Registered later = daemon.register(daemon.path("later.db"), daemon.replica("later.db"));
    assertTrue(later.isOpen());
    long endNanos = System.nanoTime() + Duration.ofMillis(600).toNanos();
    while (System.nanoTime() < endNanos) {
      assertEquals(200, get("/healthz").statusCode());
    }
  }

  @Test
  @SuppressWarnings("try") // the heartbeat only runs
  void heartbeatComesOnlyWhileAllIsSynced() throws Exception {
    Semaphore beats = new Semaphore(0);
    HttpRoutes routes =
        new HttpRoutes()
            .on(
                "GET",
                "/beat",
                call -> {
                  beats.release();
                  return CompletableFuture.completedFuture(HttpReply.text(HttpReply.OK, "thanks"));
                });
    InetSocketAddress bound =
        server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), routes);
    Heartbeat heartbeat =
        new Heartbeat(
            URI.create("http://localhost:" + bound.getPort() + "/beat"), Duration.ofMillis(100));
    try (HeartbeatSender sender =
        new HeartbeatSender(heartbeat, daemon.databases(), Duration.ofMillis(20))) {
      assertFalse(beats.tryAcquire(300, TimeUnit.MILLISECONDS), "there is no database");
      daemon.replicate("app.db").last().syncAndWait(SURELY);
      assertTrue(beats.tryAcquire(3, SURELY.toSeconds(), TimeUnit.SECONDS));
      Registered later = daemon.register(daemon.path("later.db"), daemon.replica("later.db"));
      assertTrue(later.isOpen());
      assertTrue(beats.tryAcquire(3, SURELY.toSeconds(), TimeUnit.SECONDS), "it is not there yet");
      Files.writeString(daemon.path("none.db"), "no database");
      Registered none = daemon.register(daemon.path("none.db"), daemon.replica("none.db"));
      awaitGivenUp(none);
      assertTrue(value(scrape(), "sluice_lag_seconds", "none.db", "") > 0, "nobody captures it");
      boolean unused = beats.tryAcquire(300, TimeUnit.MILLISECONDS); // one may be under way
      beats.drainPermits();
      assertFalse(beats.tryAcquire(400, TimeUnit.MILLISECONDS), "one was given up");
    }
  }

  private static void awaitGivenUp(Registered database) {
    long since = System.nanoTime();
    while (database.isOpen()) {
      assertTrue(System.nanoTime() - since < SURELY.toNanos(), "it is not given up");
      Thread.onSpinWait();
    }
  }

  @Test
  @SuppressWarnings("try") // the heartbeat only runs
  void heartbeatWithoutAnEndIsGivenUp() throws Exception {
    daemon.replicate("app.db").last().syncAndWait(SURELY);
    try (ServerSocket half = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
      half.setSoTimeout((int) SURELY.toMillis());
      Heartbeat heartbeat =
          new Heartbeat(
              URI.create("http://localhost:" + half.getLocalPort()), Duration.ofMillis(50));
      Duration look = Duration.ofMillis(20);
      try (HeartbeatSender sender =
          new HeartbeatSender(heartbeat, daemon.databases(), look, Duration.ofMillis(100))) {
        try (Socket first = half.accept()) {
          first
              .getOutputStream()
              .write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".getBytes(US_ASCII));
          half.accept().close(); // the next one comes though the first has not ended
        }
      }
    }
  }
}
