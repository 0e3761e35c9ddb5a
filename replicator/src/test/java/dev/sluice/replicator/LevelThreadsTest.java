package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What hangs while the levels of one replica are kept does not keep others from theirs. */
final class LevelThreadsTest {
  private static final Map<String, String> VARIABLES =
      Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);

  /** As many as one storage may have under way, and more. */
  private static final int HANGING = 5;

  @TempDir Path folder;

  private final List<NumberedApplication> applications = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (NumberedApplication application : applications) {
      application.close();
    }
  }

  private static Replicator replicator() {
    return Replicator.builder()
        .environment(name -> Optional.ofNullable(VARIABLES.get(name)))
        .endLimit(Duration.ofSeconds(1))
        .start();
  }

  private ReplicatedDatabase add(Replicator replicator, String url) throws Exception {
    int number = applications.size();
    Path database = folder.resolve(number + ".db");
    applications.add(new NumberedApplication(database, number));
    List<Duration> often = List.of(Duration.ofMillis(200));
    Duration never = Duration.ofDays(1);
    DatabaseSettings settings =
        DatabaseSettings.of(database)
            .withLevels(new LevelSettings(often, never, never, never, true));
    ReplicatedDatabase added = replicator.add(settings, ReplicaUrl.parse(url));
    added.syncAndWait(SURELY);
    applications.get(number).commit(); // the first image is a snapshot, and not compacted
    added.syncAndWait(SURELY);
    return added;
  }

  private static void requireCompacted(ReplicatedDatabase replicated) {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (replicated.figures().levels().compactions().count() == 0) {
      assertTrue(System.nanoTime() < endNanos, () -> replicated.status().toString());
      Thread.onSpinWait();
    }
  }

  @Test
  void compactionsThatHangInOneStorageDoNotKeepAnotherWaiting() throws Exception {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    CountDownLatch hanging = new CountDownLatch(2);
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        Replicator replicator = replicator()) {
      proxy.inject(
          request -> {
            boolean isCompacted =
                request.method().equals("PUT") && request.path().contains("/0001/");
            if (isCompacted) {
              hanging.countDown();
            }
            return isCompacted;
          },
          new Fault.Hang());
      for (int i = 0; i < HANGING; i++) {
        add(replicator, "s3://" + bucket + "/" + i + "?endpoint=" + proxy.endpoint());
      }
      assertTrue(hanging.await(SURELY.toSeconds(), TimeUnit.SECONDS));
      Path other = Files.createDirectory(folder.resolve("other"));
      requireCompacted(add(replicator, "file://" + other));
    }
  }

  @Test
  void snapshotsThatTakeLongDoNotKeepCompactionsWaiting() throws Exception {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    CountDownLatch hanging = new CountDownLatch(1);
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        Replicator replicator = replicator()) {
      proxy.inject(
          request -> {
            boolean isSnapshot =
                request.method().equals("PUT")
                    && request.path().contains("/0009/")
                    && !request.path().contains(new Txid(1) + ".ltx");
            if (isSnapshot) {
              hanging.countDown();
            }
            return isSnapshot;
          },
          new Fault.Hang());
      for (int i = 0; i < HANGING; i++) {
        String url = "s3://" + bucket + "/" + i + "?endpoint=" + proxy.endpoint();
        CompletableFuture<Void> unused = add(replicator, url).snapshot();
      }
      assertTrue(hanging.await(SURELY.toSeconds(), TimeUnit.SECONDS));
      String url = "s3://" + bucket + "/other?endpoint=" + proxy.endpoint();
      requireCompacted(add(replicator, url));
    }
  }
}
