package dev.sluice.vfs.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.View;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import dev.sluice.vfs.OpenReplica;
import dev.sluice.vfs.Sluice;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SluiceMetricsTest {
  private static final Golden HISTORY = Golden.named("live-gens-1024");

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final SluiceMetrics metrics = new SluiceMetrics();
  private final Milestones milestones = new Milestones();

  @TempDir Path replica;
  @TempDir Path staging;

  /** Opens when it is told of something; added behind the meters, which know it then. */
  private static final class Milestones implements ReplicaListener {
    private final AtomicInteger open = new AtomicInteger();
    final AtomicInteger published = new AtomicInteger();
    final CountDownLatch closed = new CountDownLatch(1);
    final CountDownLatch atTwenty = new CountDownLatch(1);
    final CountDownLatch relocated = new CountDownLatch(1);
    final CountDownLatch failed = new CountDownLatch(1);

    @Override
    public void opened(Replica replica) {
      open.incrementAndGet();
    }

    @Override
    public void closed(Replica replica) {
      open.decrementAndGet();
      closed.countDown();
    }

    @Override
    public void published(Replica replica, View view) {
      published.incrementAndGet();
      if (view.txid().value() == 20) {
        atTwenty.countDown();
      }
    }

    @Override
    public void relocated(Replica replica, long pages) {
      relocated.countDown();
    }

    @Override
    public void failed(Replica replica, IOException failure) {
      failed.countDown();
    }

    void awaitClosed() {
      long begunNanos = System.nanoTime();
      while (open.get() != 0) {
        assertTrue(System.nanoTime() - begunNanos < TimeUnit.SECONDS.toNanos(70));
        Thread.onSpinWait();
      }
    }

    static void await(CountDownLatch latch) throws InterruptedException {
      assertTrue(latch.await(30, TimeUnit.SECONDS), "not told within 30 s");
    }
  }

  /** What another test had opened ends on threads of its own, and would count. */
  @BeforeEach
  void awaitClosed() {
    Milestones before = new Milestones();
    Sluice.addListener(before);
    before.awaitClosed();
    Sluice.removeListener(before);
    bind();
  }

  private void bind() {
    metrics.bindTo(registry);
    Sluice.addListener(milestones);
  }

  @AfterEach
  void unregister() {
    Sluice.removeListener(milestones);
    metrics.close();
    Sluice.unregister();
  }

  private Connection connect() throws SQLException {
    return connect("");
  }

  private Connection connect(String parameters) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:sqlite:file:app.db?vfs=litestream&mode=ro&poll_interval=20ms&replica_url="
            + replica
            + parameters);
  }

  private static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      return row.getString(1);
    }
  }

  /** Returns what the check says, or why a page could not be read. */
  private static String integrity(Connection connection) throws SQLException {
    try {
      return query(connection, "PRAGMA integrity_check");
    } catch (SQLException e) {
      return e.getMessage() + ": " + query(connection, "SELECT litestream_error()");
    }
  }

  private static List<GoldenFile> levelZero(int fromTxid, int toTxid) {
    return HISTORY.files().stream()
        .filter(file -> file.level() == 0)
        .filter(file -> Integer.parseInt(file.minTxid(), 16) >= fromTxid)
        .filter(file -> Integer.parseInt(file.maxTxid(), 16) <= toTxid)
        .toList();
  }

  /** Adds files under the eyes of a follower: each is there as a whole, or not at all. */
  private void add(List<GoldenFile> files) throws IOException {
    for (GoldenFile file : files) {
      Path level = Files.createDirectories(replica.resolve("ltx/" + file.level()));
      Path whole = Files.write(staging.resolve(file.name()), file.bytes());
      Files.move(whole, level.resolve(file.name()), StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private double value(String meter) {
    return registry.get(meter).tag("replica", "file://" + replica).meters().stream()
        .flatMap(found -> StreamSupport.stream(found.measure().spliterator(), false))
        .mapToDouble(measurement -> measurement.getValue())
        .sum();
  }

  /** A view that has just been published is proven the newest a moment later. */
  private double lagOnceProven() {
    long begunNanos = System.nanoTime();
    while (Double.isNaN(value("sluice.replica.lag"))) {
      assertTrue(System.nanoTime() - begunNanos < TimeUnit.SECONDS.toNanos(30));
      Thread.onSpinWait();
    }
    return value("sluice.replica.lag");
  }

  @Test
  void metersFollowTheReplica() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    try (Connection connection = connect()) {
      query(connection, "SELECT count(*) FROM sqlite_schema");
      assertEquals(1, registry.get("sluice.replicas").gauge().value());
      assertEquals(10, value("sluice.replica.txid"));
      assertEquals(1, value("sluice.replica.published"));
      add(levelZero(11, 20));
      Milestones.await(milestones.atTwenty);
      assertEquals(20, value("sluice.replica.txid"));
      assertTrue(value("sluice.replica.published") >= 2);
      assertTrue(lagOnceProven() < 30);
      assertTrue(value("sluice.replica.cached") >= HISTORY.pageSize());
      assertEquals(0, value("sluice.replica.kept"));
      assertEquals(0, value("sluice.replica.ended"));
    }
  }

  @Test
  void requestsOfClosedReplicasStillCount() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    try (Connection connection = connect()) {
      query(connection, "SELECT count(*) FROM sqlite_schema");
    }
    Milestones.await(milestones.closed);
    assertEquals(0, registry.get("sluice.replicas").gauge().value());
    assertTrue(Double.isNaN(value("sluice.replica.txid")));
    assertTrue(Double.isNaN(value("sluice.replica.lag")));
    double requests = value("sluice.replica.requests");
    assertTrue(requests >= 20, () -> requests + " for ten levels and ten files");
    assertTrue(value("sluice.replica.received") > 10 * 100);
    connect().close();
    assertTrue(value("sluice.replica.requests") > requests);
  }

  @Test
  void replicasThatAreOpenAlreadyAreSeen() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    try (Connection connection = connect();
        SluiceMetrics late = new SluiceMetrics()) {
      SimpleMeterRegistry other = new SimpleMeterRegistry();
      late.bindTo(other);
      assertEquals(1, other.get("sluice.replicas").gauge().value());
      assertEquals(10, other.get("sluice.replica.txid").gauge().value());
      assertEquals("a", query(connection, "SELECT litestream_txid()").substring(15));
    }
  }

  @Test
  void pagesThatMoveToOtherFilesAreCounted() throws Exception {
    Golden.copyTo(replica, levelZero(1, 0x42));
    try (Connection connection = connect("&page_cache_size=1KiB")) {
      query(connection, "SELECT count(*) FROM sqlite_schema");
      add(HISTORY.files().stream().filter(file -> file.level() > 0).toList());
      for (GoldenFile old : levelZero(1, 0x41)) {
        Files.delete(replica.resolve("ltx/0").resolve(old.name()));
      }
      assertEquals("ok", integrity(connection));
      Milestones.await(milestones.relocated);
      assertTrue(value("sluice.replica.relocated") >= 1);
      assertEquals(0, value("sluice.replica.failures"));
    }
  }

  @Test
  void failuresAreCounted() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    try (Connection connection = connect()) {
      assertEquals(0, value("sluice.replica.failures"));
      Files.writeString(
          replica.resolve("ltx/0/000000000000000b-000000000000000b.ltx"), "not an LTX file");
      Milestones.await(milestones.failed);
      assertTrue(value("sluice.replica.failures") >= 1);
      assertEquals("ok", query(connection, "PRAGMA integrity_check"));
    }
  }

  @Test
  void nothingIsLeftInTheRegistry() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    connect().close();
    assertTrue(registry.getMeters().size() > 10);
    metrics.close();
    assertEquals(List.of(), registry.getMeters().stream().map(Meter::getId).toList());
    connect().close();
    assertEquals(List.of(), registry.getMeters().stream().map(Meter::getId).toList());
  }

  @Test
  void aRegistryThatIsBoundAgainCountsOnce() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    metrics.bindTo(registry);
    try (SluiceMetrics another = new SluiceMetrics()) {
      another.bindTo(registry);
      try (Connection connection = connect()) {
        assertEquals("000000000000000a", query(connection, "SELECT litestream_txid()"));
        assertEquals(1, registry.get("sluice.replicas").gauge().value());
        assertEquals(1, value("sluice.replica.published"));
        add(levelZero(11, 20));
        Milestones.await(milestones.atTwenty);
        double published = value("sluice.replica.published");
        assertEquals(milestones.published.get(), published);
      }
    }
  }

  @Test
  void theMetersStayUntilTheLastOfARegistryIsClosed() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    try (SluiceMetrics another = new SluiceMetrics();
        Connection connection = connect()) {
      another.bindTo(registry);
      metrics.close();
      assertEquals("000000000000000a", query(connection, "SELECT litestream_txid()"));
      assertEquals(1, registry.get("sluice.replicas").gauge().value());
      assertEquals(10, value("sluice.replica.txid"));
    }
    assertEquals(List.of(), registry.getMeters().stream().map(Meter::getId).toList());
  }

  @Test
  void whatIsClosedCannotBeBound() {
    metrics.close();
    assertThrows(IllegalStateException.class, () -> metrics.bindTo(registry));
    assertEquals(List.of(), registry.getMeters());
  }

  @Test
  void whatIsToldTooLateCountsNowhere() throws Exception {
    Golden.copyTo(replica, levelZero(1, 10));
    SimpleMeterRegistry other = new SimpleMeterRegistry();
    ReplicaMeters meters = new ReplicaMeters(other);
    try (OpenReplica open = Sluice.open(ReplicaOptions.of(ReplicaUrl.parse("file:" + replica)))) {
      meters.opened(open.replica());
      assertTrue(other.getMeters().size() > 10);
      meters.close();
      meters.failed(open.replica(), new IOException("late"));
      meters.closed(open.replica());
      assertEquals(List.of(), other.getMeters());
    }
  }
}
