package dev.sluice.storage.s3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Environment;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.S3Server;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of requests, threads and this JVM when clients are closed. */
final class S3EndTest {
  private static final long LIMIT_SECONDS = 30;
  private static final int CLIENTS_AT_ONCE = 6;
  private static final int REQUESTS_MAX = 6;

  /** Of so many clients one waits for its answers, as the others may be too fast for any. */
  private static final int CLIENTS_PER_PATIENT = 8;

  private static final String KEY_ID = "aws.accessKeyId";
  private static final String SECRET_KEY = "aws.secretAccessKey";

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();
  private final byte[] content = new byte[20_000];
  private final AtomicInteger clients = new AtomicInteger();

  /** Credentials that are looked for: so that a request may begin after its client was closed. */
  @BeforeEach
  void provideCredentials() {
    System.setProperty(KEY_ID, S3Server.ACCESS_KEY_ID);
    System.setProperty(SECRET_KEY, S3Server.SECRET_ACCESS_KEY);
  }

  @AfterEach
  void forgetCredentials() {
    System.clearProperty(KEY_ID);
    System.clearProperty(SECRET_KEY);
  }

  private LtxFile putAFile() throws Exception {
    new Random(5).nextBytes(content);
    LtxFileName name = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
    server.put(bucket, "db/0000/" + name.range() + ".ltx", content);
    try (ReplicaClient client = open()) {
      return client.list(0, Txid.FIRST).get(LIMIT_SECONDS, TimeUnit.SECONDS).get(0);
    }
  }

  private ReplicaClient open() {
    return S3ReplicaClient.open(
        ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + server.endpoint()),
        new OwnEnvironment());
  }

  /** Each is another one, so that no connection is shared. */
  private static final class OwnEnvironment implements Environment {
    @Override
    public Optional<String> get(String name) {
      return Optional.empty();
    }
  }

  private boolean isAnyThreadLeft() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().startsWith("s3-" + bucket));
  }

  /** A client of native code has ended the whole process here, within seconds. */
  @Test
  void requestsThatBeginWhileTheirClientIsClosedHarmNobody(@Seeded("sluice.seed") Seed seed)
      throws Exception {
    LtxFile file = putAFile();
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
    AtomicInteger answered = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(CLIENTS_AT_ONCE);
    try {
      List<Future<?>> ends = new ArrayList<>();
      for (int i = 0; i < CLIENTS_AT_ONCE; i++) {
        Random random = new Random(seed.value() + i);
        ends.add(
            threads.submit(
                () -> {
                  while (System.nanoTime() < endNanos) {
                    answered.addAndGet(useAndClose(file, random));
                  }
                  return answered;
                }));
      }
      for (Future<?> end : ends) {
        end.get(LIMIT_SECONDS, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertTrue(answered.get() > 0, "none was answered");
    while (isAnyThreadLeft()) {
      assertTrue(
          System.nanoTime() - endNanos < TimeUnit.SECONDS.toNanos(LIMIT_SECONDS),
          () -> "threads are left: " + Thread.getAllStackTraces().keySet());
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Returns how many requests were answered; each of the others ended, too. */
  private int useAndClose(LtxFile file, Random random) throws Exception {
    boolean isPatient = clients.getAndIncrement() % CLIENTS_PER_PATIENT == 0;
    List<CompletableFuture<byte[]>> requests = new ArrayList<>();
    try (ReplicaClient client = open()) {
      int rounds = 1 + random.nextInt(3);
      for (int round = 0; round < rounds; round++) {
        int count = 1 + random.nextInt(REQUESTS_MAX);
        for (int i = 0; i < count; i++) {
          requests.add(client.read(file, 100, 1000));
        }
        if (isPatient) {
          awaitEnds(requests);
        }
        LockSupport.parkNanos(random.nextInt(8_000_000));
        requests.stream().filter(request -> random.nextInt(3) > 0).forEach(r -> r.cancel(true));
      }
    }
    int answered = 0;
    for (CompletableFuture<byte[]> request : requests) {
      try {
        byte[] bytes = request.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        assertArrayEquals(Arrays.copyOfRange(content, 100, 1100), bytes);
        answered++;
      } catch (CancellationException e) {
        // It was called off.
      } catch (ExecutionException e) {
        assertInstanceOf(ReplicaException.class, e.getCause());
      }
    }
    return answered;
  }

  /** Waits until each has an answer or has failed. */
  private static void awaitEnds(List<CompletableFuture<byte[]>> requests) throws Exception {
    CompletableFuture.allOf(requests.toArray(CompletableFuture<?>[]::new))
        .handle((none, failure) -> true)
        .get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }
}
