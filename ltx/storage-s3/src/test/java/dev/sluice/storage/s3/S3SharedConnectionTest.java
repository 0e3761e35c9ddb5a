package dev.sluice.storage.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.S3Server;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

final class S3SharedConnectionTest {
  private static final int CLIENTS = 100;
  private static final long LIMIT_SECONDS = 30;

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();

  private ReplicaClient open(int number, Environment environment) {
    ReplicaUrl url =
        ReplicaUrl.parse("s3://" + bucket + "/db" + number + "?endpoint=" + server.endpoint());
    return S3ReplicaClient.open(url, environment);
  }

  private long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("s3-" + bucket))
        .count();
  }

  private static void list(ReplicaClient client) throws Exception {
    assertEquals(List.of(), client.list(0, Txid.FIRST).get(LIMIT_SECONDS, TimeUnit.SECONDS));
  }

  @Test
  void replicasOfOneBucketNeedAsManyThreadsAsOneAndTheLastEndsThem() throws Exception {
    Environment environment = S3TestEnvironment.withCredentials();
    List<ReplicaClient> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(open(i, environment));
      list(clients.get(i));
    }
    assertTrue(threads() < 20, () -> threads() + " threads");
    ReplicaClient last = clients.remove(0);
    clients.forEach(ReplicaClient::close);
    clients.forEach(ReplicaClient::close); // counts once
    list(last);
    last.close();
    long begunNanos = System.nanoTime();
    while (threads() > 0) {
      assertTrue(
          System.nanoTime() - begunNanos < TimeUnit.SECONDS.toNanos(LIMIT_SECONDS),
          () -> threads() + " threads are left");
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void anotherEnvironmentHasAConnectionOfItsOwn() throws Exception {
    Environment right = S3TestEnvironment.withCredentials();
    Environment wrong =
        name ->
            name.equals("AWS_SECRET_ACCESS_KEY") ? Optional.of("none of mine") : right.get(name);
    try (ReplicaClient one = open(1, right);
        ReplicaClient other = open(1, wrong)) {
      list(one);
      assertFalse(
          other
              .list(0, Txid.FIRST)
              .handle((files, failure) -> failure == null)
              .get(LIMIT_SECONDS, TimeUnit.SECONDS));
      list(one);
    }
  }
}
