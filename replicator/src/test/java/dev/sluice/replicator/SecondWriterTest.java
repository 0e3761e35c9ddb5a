package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.capture.CaptureStep;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.storage.Environment;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Another writer's file with the TXID that is cut here while the replica is listed. */
final class SecondWriterTest {
  private static final Duration SURELY = Duration.ofSeconds(30);
  private static final Environment KEYS =
      name ->
          Optional.ofNullable(
              Map.of(
                      "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
                      "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY)
                  .get(name));

  @TempDir Path folder;

  private final CountDownLatch isListed = new CountDownLatch(1);
  private final CountDownLatch isCut = new CountDownLatch(1);

  private static void execute(Path database, String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(SURELY.toSeconds(), TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** No window of a level ends while a test runs. */
  private static DatabaseSettings settings(Path database) {
    Duration never = Duration.ofDays(3650);
    return DatabaseSettings.of(database)
        .withLevels(new LevelSettings(List.of(never), never, never, never, true));
  }

  private static Txid sync(Path database, ReplicaUrl url) throws IOException {
    try (Replicator replicator = Replicator.builder().environment(KEYS).start()) {
      return replicator.add(settings(database), url).syncAndWait(SURELY);
    }
  }

  /** Returns all files, with what tells one content from another. */
  private static Set<LtxFile> files(ReplicaUrl url) throws Exception {
    try (ReplicaClient client = ReplicaClients.open(url, KEYS)) {
      List<LtxFile> files = Listings.all(client).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      return files.stream().collect(Collectors.toSet());
    }
  }

  /**
   * The listing of the check is held until the cut is made: the first image of a spool that has
   * none, or the difference that was missed by one that ends at TXID 1.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void fileOfTheSameTxidIsNotTakenForOurs(long contested) throws Exception {
    S3Server server = S3Server.shared();
    String place = "s3://" + server.createBucket() + "/app?endpoint=";
    ReplicaUrl straight = ReplicaUrl.parse(place + server.endpoint());
    Path database = folder.resolve("a.db");
    execute(database, "CREATE TABLE t(a)");
    if (contested == 1) {
      Path directory = DatabaseSettings.of(database).metaPath();
      SpoolSetup setup = new SpoolSetup(InstantSource.system(), step -> {});
      Spool.begin(directory, Txid.NONE, 0, setup).close();
    } else {
      assertEquals(Txid.FIRST, sync(database, straight));
      execute(database, "INSERT INTO t VALUES('ours')");
    }
    Path theirs = folder.resolve("b.db");
    execute(theirs, "CREATE TABLE t(a)", "INSERT INTO t VALUES('theirs')");
    assertEquals(new Txid(contested), sync(theirs, straight));
    Set<LtxFile> before = files(straight);
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        Replicator replicator =
            Replicator.builder().environment(KEYS).steps(this::beginWhenItIsListed).start()) {
      proxy.inject(
          request -> {
            if (request.query().contains("list-type=2")) {
              isListed.countDown();
              await(isCut);
            }
            return Optional.empty();
          });
      ReplicatedDatabase replicated =
          replicator.add(settings(database), ReplicaUrl.parse(place + proxy.endpoint()));
      CompletableFuture<Txid> synced = replicated.sync();
      long begunNanos = System.nanoTime();
      while (!replicated.status().cut().equals(new Txid(contested))) {
        assertTrue(System.nanoTime() - begunNanos < SURELY.toNanos(), "nothing is cut");
        Thread.onSpinWait();
      }
      isCut.countDown();
      ExecutionException refused =
          assertThrows(ExecutionException.class, () -> synced.get(30, TimeUnit.SECONDS));
      assertTrue(String.valueOf(refused.getMessage()).contains("somebody else"), refused::toString);
      assertEquals(DatabaseStatus.Phase.STOPPED, replicated.status().phase());
      assertTrue(replicated.status().uploaded().isBefore(new Txid(contested)));
    }
    assertEquals(before, files(straight));
  }

  private void beginWhenItIsListed(Enum<?> step) {
    if (step == CaptureStep.READER_BEGUN) {
      await(isListed);
    }
  }
}
