package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application writes, and its database is replicated meanwhile: each TXID must restore to a
 * state that the application has committed, and the last one to the last.
 */
class ReplicatorTest {
  private static final Duration SURELY = Duration.ofSeconds(30);

  @TempDir Path folder;

  private Path database = Path.of("");
  private ReplicaUrl url = ReplicaUrl.ofDirectory("/");
  private Application application;

  /** Each transaction leaves its number, and the test keeps what the table summed up to then. */
  private static final class Application implements AutoCloseable {
    private final Connection connection;
    private final Map<Long, String> sums = new HashMap<>();
    private final Random random;
    private long number;

    Application(Path database, long seed) throws SQLException {
      random = new Random(seed);
      connection = DriverManager.getConnection("jdbc:sqlite:" + database);
      execute("PRAGMA busy_timeout=5000");
      execute("PRAGMA journal_mode=WAL");
      execute("PRAGMA synchronous=NORMAL");
      execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, a BLOB)");
      execute("CREATE TABLE IF NOT EXISTS n(number INTEGER)");
      execute("INSERT INTO n VALUES(0)");
      sums.put(0L, sum(connection));
    }

    private void execute(String sql) throws SQLException {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    }

    void commit() throws SQLException {
      number++;
      execute("BEGIN IMMEDIATE");
      execute("UPDATE n SET number = " + number);
      int rows = 1 + random.nextInt(20);
      for (int i = 0; i < rows; i++) {
        long id = random.nextInt(400);
        int bytes = random.nextInt(3000);
        execute(
            random.nextInt(3) == 0
                ? "DELETE FROM t WHERE id = " + id
                : "INSERT OR REPLACE INTO t VALUES(" + id + ", randomblob(" + bytes + "))");
      }
      String sum = sum(connection);
      execute("COMMIT");
      sums.put(number, sum);
      if (random.nextInt(200) == 0) {
        execute("VACUUM");
      }
      if (random.nextInt(100) == 0) {
        execute("PRAGMA wal_checkpoint(TRUNCATE)");
      }
    }

    @Override
    public void close() throws SQLException {
      connection.close();
    }
  }

  private static String sum(Connection connection) throws SQLException {
    return value(
        connection,
        "SELECT count(*) || ' ' || total(length(a)) || ' ' || total(id * length(a)) FROM t");
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      assertTrue(rows.next());
      return rows.getString(1);
    }
  }

  @BeforeEach
  void begin() throws Exception {
    database = folder.resolve("app.db");
    Path replica = Files.createDirectory(folder.resolve("replica"));
    url = ReplicaUrl.ofDirectory(replica.toString());
    long seed = Long.getLong("sluice.seed", System.nanoTime());
    System.out.println("ReplicatorTest -Dsluice.seed=" + seed);
    application = new Application(database, seed);
  }

  @AfterEach
  void end() throws SQLException {
    application.close();
  }

  private ReplicaClient client() {
    return ReplicaClients.open(url, name -> Optional.empty());
  }

  private List<Txid> txids() throws Exception {
    try (ReplicaClient client = client()) {
      TreeSet<Txid> txids = new TreeSet<>();
      for (LtxFile file : Listings.all(client).get(SURELY.toSeconds(), TimeUnit.SECONDS)) {
        txids.add(file.name().range().max());
      }
      return List.copyOf(txids);
    }
  }

  private Path restored(Txid txid) throws IOException {
    Path out = folder.resolve("restored-" + txid);
    try (ReplicaClient client = client();
        Restorer restorer = new Restorer(client, new RequestMeter(), SURELY)) {
      restorer.restore(
          new Target.AtTxid(txid), out, DatabasePlace.Existing.REFUSE, (done, total) -> {});
    }
    return out;
  }

  /** Returns the number of the transaction that the TXID shows. */
  private long requireCommitted(Txid txid) throws Exception {
    try (Connection copy = DriverManager.getConnection("jdbc:sqlite:" + restored(txid))) {
      assertEquals("ok", value(copy, "PRAGMA integrity_check"), "TXID " + txid);
      long number = Long.parseLong(value(copy, "SELECT number FROM n"));
      assertEquals(application.sums.get(number), sum(copy), "TXID " + txid + ", number " + number);
      return number;
    }
  }

  private void requireAll() throws Exception {
    long last = 0;
    for (Txid txid : txids()) {
      last = requireCommitted(txid);
    }
    assertEquals(application.number, last);
  }

  @Test
  void whatIsCommittedIsShippedAtEachSync() throws Exception {
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < 20; i++) {
        application.commit();
      }
      sync();
      assertEquals(round + 1, txids().size());
    }
    requireAll();
  }

  @Test
  void syncThatIsAskedForAtOnceWaitsForTheFirstImage() throws Exception {
    application.commit();
    application.close(); // and nothing is left in the WAL
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      assertEquals(List.of(Txid.FIRST), txids());
    }
  }

  private void sync() throws IOException {
    try (Replicator replicator = Replicator.builder().start()) {
      replicator.add(database, url).syncAndWait(SURELY);
    }
  }

  @Test
  void eachTxidIsACommittedStateWhileTheApplicationWritesAndTheReplicatorRestarts()
      throws Exception {
    List<String> runs = new ArrayList<>();
    for (int run = 0; run < 5; run++) {
      try (Replicator replicator = Replicator.builder().start()) {
        DatabaseSettings settings =
            DatabaseSettings.of(database).withSyncInterval(Duration.ofMillis(100));
        ReplicatedDatabase replicated = replicator.add(settings, url);
        long endNanos = System.nanoTime() + Duration.ofMillis(1500).toNanos();
        while (System.nanoTime() < endNanos) {
          application.commit();
        }
        replicated.end(SURELY).get(SURELY.toSeconds(), TimeUnit.SECONDS);
        assertEquals(Optional.empty(), replicated.status().trouble());
        runs.add(application.number + " transactions, " + txids().size() + " TXIDs");
      }
      for (int i = 0; i < 5; i++) {
        application.commit();
      }
    }
    sync();
    System.out.println("ReplicatorTest: " + runs);
    assertTrue(txids().size() >= 10, () -> "hardly anything was shipped: " + runs);
    requireAll();
  }

  @Test
  void whoWroteTheSameTxidWhileWeWereAwayIsNoticedAndNotOverwritten() throws Exception {
    application.commit();
    sync();
    Path ours = folder.resolve("replica");
    Path aside = folder.resolve("aside");
    Files.move(ours, aside); // the storage is away while we cut the next TXID
    Files.writeString(ours, "no directory");
    application.commit();
    try (Replicator replicator = Replicator.builder().endLimit(Duration.ofSeconds(2)).start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      assertThrows(IOException.class, () -> replicated.syncAndWait(Duration.ofSeconds(2)));
      replicated.end(Duration.ofSeconds(1)).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      String trouble = replicated.status().trouble().orElse("");
      assertTrue(trouble.contains(" bytes are not shipped: "), trouble);
    }
    Files.delete(ours);
    Files.move(aside, ours);
    Path other = folder.resolve("other.db");
    try (Application second = new Application(other, 7);
        Replicator replicator = Replicator.builder().start()) {
      second.commit();
      replicator.add(other, url).syncAndWait(SURELY); // another writer's TXID 2
    }
    List<Txid> before = txids();
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      IOException refused = assertThrows(IOException.class, () -> replicated.syncAndWait(SURELY));
      assertTrue(String.valueOf(refused.getMessage()).contains("somebody else"), refused::toString);
      assertEquals(DatabaseStatus.Phase.STOPPED, replicated.status().phase());
    }
    assertEquals(before, txids());
  }

  @Test
  void aStopIsNotKeptFromItsEndByAnApplicationThatGoesOnWriting() throws Exception {
    AtomicBoolean isOver = new AtomicBoolean();
    CompletableFuture<Void> writing = new CompletableFuture<>();
    Thread writer =
        new Thread(
            () -> {
              try {
                while (!isOver.get()) {
                  application.commit();
                }
                writing.complete(null);
              } catch (SQLException | RuntimeException e) {
                writing.completeExceptionally(e);
              }
            });
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      replicated.syncAndWait(SURELY);
      writer.start();
      replicated.syncAndWait(SURELY);
      replicated.end(Duration.ofHours(1)).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertEquals(Optional.empty(), replicated.status().trouble());
    } finally {
      isOver.set(true);
    }
    writing.get(SURELY.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void replicaOfAnotherDatabaseIsRefused() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      replicator.add(database, url);
      Path other = folder.resolve("other.db");
      IllegalArgumentException refusal =
          assertThrows(IllegalArgumentException.class, () -> replicator.add(other, url));
      assertTrue(String.valueOf(refusal.getMessage()).contains("is the replica of " + database));
    }
  }

  @Test
  void databaseThatIsStillEmptyIsWaitedFor() throws Exception {
    Path empty = Files.createFile(folder.resolve("empty.db"));
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(empty, url);
      CompletableFuture<Txid> synced = replicated.sync();
      IOException none =
          assertThrows(IOException.class, () -> replicated.syncAndWait(Duration.ofSeconds(1)));
      assertTrue(String.valueOf(none.getMessage()).contains("nothing in the database yet"));
      try (Application made = new Application(empty, 1)) {
        made.commit();
        assertTrue(synced.get(SURELY.toSeconds(), TimeUnit.SECONDS).isAfter(Txid.NONE));
      }
    }
  }

  @Test
  void cutThatTheDiskDoesNotTakeIsTriedAgainWithoutAGapInTheCapture() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      replicated.syncAndWait(SURELY);
      long repairs = replicated.figures().repairs();
      Path cuts = replicated.settings().metaPath().resolve("ltx/0");
      Path aside = folder.resolve("aside");
      Files.move(cuts, aside);
      application.commit();
      CompletableFuture<Txid> synced = replicated.sync();
      while (replicated.status().trouble().isEmpty()) {
        Thread.onSpinWait();
      }
      Files.move(aside, cuts);
      assertEquals(Txid.FIRST.next(), synced.get(SURELY.toSeconds(), TimeUnit.SECONDS));
      assertEquals(repairs, replicated.figures().repairs());
    }
    requireAll();
  }

  @Test
  void endDoesNotWaitForAStorageThatIsAway() throws Exception {
    Path ours = folder.resolve("replica");
    Files.delete(ours);
    Files.writeString(ours, "no directory");
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      replicated.end(Duration.ZERO).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertEquals(DatabaseStatus.Phase.STOPPED, replicated.status().phase());
    }
  }

  private static long cpuMillis() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long nanos = 0;
    for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null && thread.getThreadName().startsWith("sluice-")) {
        nanos += Math.max(0, threads.getThreadCpuTime(thread.getThreadId()));
      }
    }
    return TimeUnit.NANOSECONDS.toMillis(nanos);
  }

  @Test
  void databaseThatIsLockedCostsLittleThoughASyncWaits() throws Exception {
    application.execute("PRAGMA locking_mode=EXCLUSIVE");
    application.commit();
    try (Replicator replicator = Replicator.builder().endLimit(Duration.ofSeconds(1)).start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      CompletableFuture<Txid> synced = replicated.sync();
      assertThrows(IOException.class, () -> replicated.syncAndWait(Duration.ofSeconds(1)));
      long before = cpuMillis();
      assertThrows(TimeoutException.class, () -> synced.get(2, TimeUnit.SECONDS));
      long millis = cpuMillis() - before;
      assertTrue(millis < 1000, () -> millis + " ms of two seconds");
    }
  }

  @Test
  void databaseThatWasLetGoOfBesideAnUploadThatHangsIsTakenUpAgain() throws Exception {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    Map<String, String> variables =
        Map.of(
            "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);
    try (FaultProxy proxy = FaultProxy.before(server.endpoint())) {
      ReplicaUrl hanging = ReplicaUrl.parse("s3://" + bucket + "/app?endpoint=" + proxy.endpoint());
      try (Replicator replicator =
          Replicator.builder()
              .environment(name -> Optional.ofNullable(variables.get(name)))
              .endLimit(Duration.ofSeconds(1))
              .start()) {
        ReplicatedDatabase replicated = replicator.add(database, hanging);
        replicated.syncAndWait(SURELY);
        proxy.inject(request -> request.method().equals("PUT"), new Fault.Hang());
        application.commit();
        CompletableFuture<Txid> unused = replicated.sync();
        while (replicated.status().waitingBytes() == 0) {
          Thread.onSpinWait();
        }
      }
    }
    ReplicaUrl straight = ReplicaUrl.parse("s3://" + bucket + "/app?endpoint=" + server.endpoint());
    try (Replicator replicator =
        Replicator.builder()
            .environment(name -> Optional.ofNullable(variables.get(name)))
            .start()) {
      assertEquals(Txid.FIRST.next(), replicator.add(database, straight).syncAndWait(SURELY));
    }
  }
}
