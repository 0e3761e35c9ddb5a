package dev.sluice.storage.s3;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/** What a client says of a server that it does not reach: each time the same, and once. */
final class S3UnreachableTest {
  private static final int SURELY_SECONDS = 20;

  private static ReplicaClient open(String bucket, String endpoint) {
    return S3ReplicaClient.open(
        ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + endpoint),
        S3TestEnvironment.withCredentials(),
        Duration.ofSeconds(5));
  }

  private static String unavailable(CompletableFuture<?> call) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> call.get(SURELY_SECONDS, SECONDS));
    return String.valueOf(
        assertInstanceOf(ReplicaException.Unavailable.class, failed.getCause()).getMessage());
  }

  private static String listing(String endpoint, String why) {
    return "list s3://bucket/db/0000/: ListObjectsV2 in bucket bucket at " + endpoint + ": " + why;
  }

  @Test
  void refusedConnectionIsUnavailableAndLaterWorks() throws Exception {
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint())) {
      String endpoint = proxy.endpoint().toString();
      try (ReplicaClient client = open(bucket, endpoint)) {
        proxy.refuse();
        assertEquals(
            listing(endpoint, "Connection refused"),
            unavailable(client.list(0, Txid.FIRST)).replace(bucket, "bucket"));
        proxy.heal();
        assertEquals(List.of(), client.list(0, Txid.FIRST).get(SURELY_SECONDS, SECONDS));
      }
    }
  }

  /** It may fail before the SDK waits for it, one time in ten. */
  @Test
  void firstConnectionOfEachClientThatIsRefusedSaysSo() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String endpoint = "http://127.0.0.1:" + port;
    for (int round = 0; round < 40; round++) {
      try (ReplicaClient client = open("bucket", endpoint)) {
        assertEquals(
            listing(endpoint, "Connection refused"), unavailable(client.list(0, Txid.FIRST)));
      }
    }
  }

  /** The JDK has other words for it as long as it remembers that it has asked. */
  @Test
  void unknownHostIsUnavailable() {
    String endpoint = "http://never-asked.invalid:9000";
    for (int round = 0; round < 10; round++) {
      try (ReplicaClient client = open("bucket", endpoint)) {
        assertEquals(
            listing(endpoint, "unknown host never-asked.invalid"),
            unavailable(client.list(0, Txid.FIRST)));
      }
    }
  }
}
