package dev.sluice.replicator.upload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.FaultProxy.Request;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A line may be slow; what hangs is noticed, however large the file is. */
@Timeout(60)
class CallLimitTest {
  private static final LtxFileName NAME =
      new LtxFileName(0, new TxidRange(new Txid(2), new Txid(2)));
  private static final Map<String, String> KEYS =
      Map.of(
          "AWS_ACCESS_KEY_ID",
          S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY",
          S3Server.SECRET_ACCESS_KEY);

  @TempDir Path folder;

  @Test
  void uploadIsWaitedForAsLongAsItMoves() throws Exception {
    ScheduledExecutorService line = new ScheduledThreadPoolExecutor(1);
    try {
      CompletableFuture<String> answer = new CompletableFuture<>();
      String stored =
          new CallLimit(Duration.ofMillis(3500))
              .awaitUpload(
                  progress -> {
                    trickle(line, progress, answer);
                    return answer;
                  },
                  0,
                  "write");
      assertEquals("stored", stored);
    } finally {
      line.shutdownNow();
    }
  }

  /** Takes a byte in 50 ms, and answers after twice the limit. */
  private static void trickle(
      ScheduledExecutorService line,
      ReplicaClient.Progress progress,
      CompletableFuture<String> answer) {
    var unused = line.scheduleAtFixedRate(() -> progress.took(1), 50, 50, TimeUnit.MILLISECONDS);
    var unusedToo = line.schedule(() -> answer.complete("stored"), 7, TimeUnit.SECONDS);
  }

  @Test
  void uploadThatDoesNotMoveIsCancelled() {
    CompletableFuture<String> never = new CompletableFuture<>();
    CallLimit limit = new CallLimit(Duration.ofMillis(200));
    assertThrows(
        ReplicaException.OutcomeUnknown.class,
        () ->
            limit.awaitUpload(
                progress -> {
                  progress.took(1 << 20);
                  return never;
                },
                64 << 20,
                "write"));
    assertTrue(never.isCancelled());
  }

  private Path file(int mebibytes) throws IOException {
    Path path = folder.resolve(mebibytes + ".ltx");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength((long) mebibytes << 20);
    }
    return path;
  }

  private static ReplicaClient open(FaultProxy proxy, String bucket) {
    String query = "?endpoint=" + proxy.endpoint() + "&region=us-east-1&concurrency=1";
    return ReplicaClients.open(
        ReplicaUrl.parse("s3://" + bucket + "/db" + query),
        name -> Optional.ofNullable(KEYS.get(name)));
  }

  private static boolean isPart(Request request) {
    return request.query().contains("partNumber");
  }

  @Test
  void slowLineToS3IsNoReasonToCancel() throws IOException {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        ReplicaClient client = open(proxy, bucket)) {
      proxy.inject(CallLimitTest::isPart, new Fault.Delay(Duration.ofMillis(800)));
      ReplicaWriter writer = new ReplicaWriter(client, new CallLimit(Duration.ofSeconds(5)));
      // Eight parts take longer than the limit, and each moves.
      assertEquals(40 << 20, writer.create(NAME, file(40), Instant.EPOCH).size());
    }
  }

  @Test
  void uploadToS3ThatHangsIsCancelledAndIsNotThere() throws IOException {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        ReplicaClient client = open(proxy, bucket)) {
      proxy.inject(CallLimitTest::isPart, new Fault.Hang());
      ReplicaWriter writer = new ReplicaWriter(client, new CallLimit(Duration.ofSeconds(1)));
      Path large = file(128);
      assertThrows(
          ReplicaException.OutcomeUnknown.class, () -> writer.create(NAME, large, Instant.EPOCH));
      assertEquals(List.of(), client.list(0, Txid.FIRST).join());
    }
  }
}
