package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a replica of 50 MB costs in requests, bytes and memory. */
class LargeReplicaTest {
  private static final int ROWS = 100_000;
  private static final long MB = 1_000_000;

  @TempDir static Path folder;
  private static TestBucket bucket = new TestBucket("", S3Server.shared().endpoint());

  @BeforeAll
  static void makeReplica() throws Exception {
    Sluice.register();
    Path database = folder.resolve("large.db");
    fill(database);
    assertTrue(Files.size(database) > 50 * MB);
    Path replica = folder.resolve("replica");
    new TestHistory(replica, 4096).add(database);
    bucket = TestBucket.of(List.of());
    Path file = replica.resolve("ltx/0/0000000000000001-0000000000000001.ltx");
    assertTrue(Files.size(file) > 25 * MB);
    S3Server.shared()
        .put(bucket.bucket(), "app/db/0000/" + file.getFileName(), Files.readAllBytes(file));
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  private static void fill(Path database) throws SQLException {
    Random random = new Random(1);
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database)) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, half TEXT, noise BLOB)");
      }
      connection.setAutoCommit(false);
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO t VALUES (?, ?, ?)")) {
        byte[] noise = new byte[260];
        for (int id = 1; id <= ROWS; id++) {
          random.nextBytes(noise);
          insert.setInt(1, id);
          insert.setString(2, ("row " + id + ' ').repeat(30));
          insert.setBytes(3, noise);
          insert.executeUpdate();
        }
      }
      connection.commit();
    }
  }

  private static Connection connect(FaultProxy proxy, String... parameters) throws SQLException {
    return DriverManager.getConnection(
        Urls.jdbc(bucket.through(proxy.endpoint()).url(), parameters));
  }

  private static String row(Connection connection, int id) throws SQLException {
    return DatabaseContents.value(connection, "SELECT substr(half, 1, 12) FROM t WHERE id = " + id);
  }

  @Test
  void theFirstQueryFetchesLittleAndMoreConnectionsFetchNothing() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(S3Server.shared().endpoint());
        Connection first = connect(proxy, "poll_interval=1h")) {
      assertEquals("row 77777 ro", row(first, 77_777));
      long bytes = proxy.log().stream().mapToLong(FaultProxy.Exchange::bodyBytes).sum();
      assertTrue(bytes < 2 * MB, () -> bytes + " bytes: " + proxy.log());
      assertTrue(proxy.log().stream().allMatch(exchange -> exchange.bodyBytes() < MB));
      int requestCount = proxy.log().size();
      List<Connection> more = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        more.add(connect(proxy, "poll_interval=1h"));
        assertEquals("row 77777 ro", row(more.get(i), 77_777));
      }
      assertEquals(requestCount, proxy.log().size());
      for (Connection connection : more) {
        connection.close();
      }
    }
  }

  @Test
  void memoryStaysAtTheCacheAndThePageMap() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(S3Server.shared().endpoint());
        Connection connection = connect(proxy, "page_cache_size=4MB")) {
      row(connection, 1);
      long before = usedHeap();
      String sum = "SELECT sum(length(half)) + sum(length(noise)) FROM t WHERE id % 3 = 0";
      assertTrue(Long.parseLong(DatabaseContents.value(connection, sum)) > 0);
      long growth = usedHeap() - before;
      assertTrue(
          growth < 16 * MB,
          () -> "a scan of 50 MB through a cache of 4 MB left " + growth + " bytes");
    }
  }

  private static long usedHeap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
