package dev.sluice.storage.s3;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Environment;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What breaks between a client and its storage, on the socket, and what the client says about it.
 */
final class S3FaultsTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Duration STALL_LIMIT = Duration.ofMillis(400);
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  private static final LtxFileName OTHER =
      new LtxFileName(1, new TxidRange(Txid.FIRST, new Txid(9)));

  @TempDir Path temporary;

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.endpoint());
  private final String bucket = server.createBucket();
  private final byte[] content = new byte[300_000];
  private final ReplicaClient client =
      open(bucket, proxy.endpoint().toString(), S3TestEnvironment.withCredentials());
  private LtxFile file = new LtxFile(NAME, 0, Instant.EPOCH, "not listed yet");

  /** Lists without the proxy, so that all of its connections are those of the test's requests. */
  @BeforeEach
  void putAFile() throws Exception {
    new Random(3).nextBytes(content);
    server.put(bucket, "db/0000/0000000000000001-0000000000000001.ltx", content);
    try (ReplicaClient direct =
        open(bucket, server.endpoint().toString(), S3TestEnvironment.withCredentials())) {
      file = get(direct.list(0, Txid.FIRST)).get(0);
    }
  }

  @AfterEach
  void close() {
    client.close();
    proxy.close();
  }

  private static ReplicaClient open(String bucket, String endpoint, Environment environment) {
    return S3ReplicaClient.open(
        ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + endpoint), environment, STALL_LIMIT);
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(LIMIT.toSeconds(), SECONDS);
  }

  /** Waits for the failure, which holds no secret wherever one looks. */
  private static <F extends ReplicaException> F fails(Class<F> type, CompletableFuture<?> future) {
    ExecutionException e = assertThrows(ExecutionException.class, () -> get(future));
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace));
    assertFalse(trace.toString().contains(S3Server.SECRET_ACCESS_KEY), "the secret is in " + trace);
    return assertInstanceOf(type, e.getCause(), trace::toString);
  }

  private void breakGets(Fault fault) {
    proxy.inject(request -> request.method().equals("GET"), fault);
  }

  @Test
  void eachStatusIsWhatTheCallerCanDoAboutIt() {
    record Case(
        int status,
        String code,
        Class<? extends ReplicaException> read,
        Class<? extends ReplicaException> list) {}
    List<Case> cases =
        List.of(
            new Case(
                404, "NoSuchKey", ReplicaException.NotFound.class, ReplicaException.Denied.class),
            new Case(
                404, "NoSuchBucket", ReplicaException.Denied.class, ReplicaException.Denied.class),
            new Case(
                403, "AccessDenied", ReplicaException.Denied.class, ReplicaException.Denied.class),
            new Case(
                403,
                "InvalidAccessKeyId",
                ReplicaException.Denied.class,
                ReplicaException.Denied.class),
            new Case(
                401, "Unauthorized", ReplicaException.Denied.class, ReplicaException.Denied.class),
            new Case(
                400,
                "AuthorizationHeaderMalformed",
                ReplicaException.Denied.class,
                ReplicaException.Denied.class),
            new Case(
                400,
                "RequestTimeout",
                ReplicaException.Unavailable.class,
                ReplicaException.Unavailable.class),
            new Case(
                301,
                "PermanentRedirect",
                ReplicaException.Denied.class,
                ReplicaException.Denied.class),
            new Case(
                412,
                "PreconditionFailed",
                ReplicaException.Conflict.class,
                ReplicaException.Conflict.class),
            new Case(
                429,
                "TooManyRequests",
                ReplicaException.Unavailable.class,
                ReplicaException.Unavailable.class),
            new Case(
                500,
                "InternalError",
                ReplicaException.Unavailable.class,
                ReplicaException.Unavailable.class),
            new Case(
                503,
                "SlowDown",
                ReplicaException.Unavailable.class,
                ReplicaException.Unavailable.class));
    for (Case c : cases) {
      proxy.heal();
      breakGets(new Fault.Status(c.status(), c.code()));
      ReplicaException failure = fails(c.read(), client.read(file, 0, 10));
      assertTrue(failure.toString().contains(c.status() + " " + c.code()), failure.getMessage());
      assertTrue(
          failure.toString().contains("GetObject in bucket " + bucket), failure.getMessage());
      fails(c.read(), client.open(file));
      fails(c.list(), client.list(0, Txid.FIRST));
    }
    assertEquals(3L * cases.size(), proxy.count("GET"), "one attempt each");
  }

  @Test
  void aBucketThatDoesNotExistIsDenied() {
    try (ReplicaClient lost =
        open("no-such-bucket", proxy.endpoint().toString(), S3TestEnvironment.withCredentials())) {
      ReplicaException failure = fails(ReplicaException.Denied.class, lost.list(0, Txid.FIRST));
      assertTrue(failure.toString().contains("NoSuchBucket"), failure.getMessage());
      fails(ReplicaException.Denied.class, lost.readTail(NAME, 10));
    }
  }

  @Test
  void aWrongSecretIsDenied() {
    Environment wrong =
        S3TestEnvironment.of(
            Map.of(
                "AWS_ACCESS_KEY_ID",
                S3Server.ACCESS_KEY_ID,
                "AWS_SECRET_ACCESS_KEY",
                S3Server.SECRET_ACCESS_KEY + "x"));
    try (ReplicaClient stranger = open(bucket, proxy.endpoint().toString(), wrong)) {
      fails(ReplicaException.Denied.class, stranger.list(0, Txid.FIRST));
    }
  }

  @Test
  void litestreamsVariablesStandInForThoseOfAws() throws Exception {
    Environment litestream =
        S3TestEnvironment.of(
            Map.of(
                "LITESTREAM_ACCESS_KEY_ID",
                S3Server.ACCESS_KEY_ID,
                "LITESTREAM_SECRET_ACCESS_KEY",
                S3Server.SECRET_ACCESS_KEY));
    try (ReplicaClient other = open(bucket, proxy.endpoint().toString(), litestream)) {
      assertEquals(1, get(other.list(0, Txid.FIRST)).size());
    }
  }

  @Test
  void cancellingARequestThatHangsFreesItsConnection() throws Exception {
    breakGets(new Fault.Hang());
    for (CompletableFuture<?> call :
        List.of(
            client.read(file, 0, 10),
            client.list(0, Txid.FIRST),
            client.open(file),
            client.readTail(NAME, 10))) {
      proxy.await(p -> !p.log().isEmpty(), LIMIT);
      call.cancel(true);
      assertTrue(call.isCancelled());
    }
    proxy.await(p -> p.connectionCount() == 0, LIMIT);
    proxy.heal();
    assertEquals(10, get(client.read(file, 0, 10)).length);
  }

  @Test
  void cancellingARequestWhoseBodyStallsFreesItsConnection() throws Exception {
    breakGets(new Fault.Stall(1000));
    CompletableFuture<byte[]> call = client.read(file, 0, 200_000);
    proxy.await(p -> p.log().stream().anyMatch(e -> e.bodyBytes() == 1000), LIMIT);
    call.cancel(true);
    proxy.await(p -> p.connectionCount() == 0, LIMIT);
  }

  @Test
  void closeEndsAStreamThatStalls() throws Exception {
    breakGets(new Fault.Stall(1000));
    ReplicaUrl url = ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + proxy.endpoint());
    ReplicaClient patient = S3ReplicaClient.open(url, S3TestEnvironment.withCredentials(), LIMIT);
    InputStream in = get(patient.open(file));
    assertEquals(1000, in.readNBytes(1000).length);
    patient.close();
    assertThrows(ReplicaException.Denied.class, in::read);
  }

  @Test
  void closeEndsRequestsThatHang() throws Exception {
    breakGets(new Fault.Hang());
    CompletableFuture<byte[]> call = client.read(file, 0, 10);
    proxy.await(p -> !p.log().isEmpty(), LIMIT);
    client.close();
    fails(ReplicaException.class, call);
    proxy.await(p -> p.connectionCount() == 0, LIMIT);
  }

  @Test
  void aBodyThatBreaksIsUnavailable() throws Exception {
    List<Fault> faults =
        List.of(
            new Fault.Reset(1000),
            new Fault.Truncate(1000),
            new Fault.Truncate(0),
            new Fault.ResetInsteadOfAnswer());
    for (Fault fault : faults) {
      proxy.heal();
      breakGets(fault);
      fails(ReplicaException.Unavailable.class, client.read(file, 0, 200_000));
      fails(ReplicaException.Unavailable.class, client.readTail(NAME, 200_000));
    }
    proxy.heal();
    assertEquals(200_000, get(client.read(file, 0, 200_000)).length);
  }

  @Test
  void aStreamThatBreaksSaysSoAfterTheBytesThatCame() throws Exception {
    for (Fault fault :
        List.of(new Fault.Truncate(100_000), new Fault.Reset(100_000), new Fault.Stall(100_000))) {
      proxy.heal();
      breakGets(fault);
      try (InputStream in = get(client.open(file))) {
        ReplicaException failure =
            assertThrows(ReplicaException.Unavailable.class, in::readAllBytes, fault.toString());
        assertTrue(
            failure.toString().contains("0000/0000000000000001-0000000000000001.ltx"),
            failure.getMessage());
      }
    }
    proxy.await(p -> p.connectionCount() == 0, LIMIT);
  }

  @Test
  void aStreamClosedByAnotherThreadWakesItsReader() throws Exception {
    breakGets(new Fault.Stall(1000));
    ReplicaUrl url = ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + proxy.endpoint());
    try (ReplicaClient patient =
        S3ReplicaClient.open(url, S3TestEnvironment.withCredentials(), LIMIT)) {
      InputStream in = get(patient.open(file));
      assertEquals(1000, in.readNBytes(1000).length);
      CompletableFuture<Integer> reader =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return in.read();
                } catch (IOException e) {
                  return -2;
                }
              });
      in.close();
      assertEquals(-2, get(reader));
      proxy.await(p -> p.connectionCount() == 0, LIMIT);
    }
  }

  @Test
  void aWriteWithoutAnAnswerHasAnUnknownOutcome() throws Exception {
    Path local = Files.write(temporary.resolve("small"), new byte[5000]);
    proxy.inject(r -> r.method().equals("PUT"), new Fault.ResetInsteadOfAnswer());
    fails(
        ReplicaException.OutcomeUnknown.class, client.createIfAbsent(OTHER, local, Instant.EPOCH));
    assertEquals(
        5000,
        server.get(bucket, "db/0001/0000000000000001-0000000000000009.ltx").length,
        "it did happen");
    proxy.heal();
    fails(ReplicaException.Conflict.class, client.createIfAbsent(OTHER, local, Instant.EPOCH));
    proxy.inject(r -> r.method().equals("PUT"), new Fault.Status(503, "SlowDown"));
    fails(ReplicaException.Unavailable.class, client.createIfAbsent(OTHER, local, Instant.EPOCH));
    proxy.inject(
        r -> r.method().equals("PUT"), new Fault.Status(409, "ConditionalRequestConflict"));
    fails(ReplicaException.Unavailable.class, client.createIfAbsent(OTHER, local, Instant.EPOCH));
    proxy.inject(r -> r.method().equals("POST"), new Fault.ResetInsteadOfAnswer());
    fails(ReplicaException.OutcomeUnknown.class, client.delete(List.of(OTHER)));
  }

  @Test
  void aLargeFileIsWrittenInPartsAndOnlyIfItsNameIsFree() throws Exception {
    byte[] large = new byte[12_000_000];
    new Random(5).nextBytes(large);
    Path local = Files.write(temporary.resolve("large"), large);
    Instant time = Instant.parse("2026-11-20T10:00:00.123456789Z");
    LtxFile stored = get(client.createIfAbsent(OTHER, local, time));
    assertEquals(
        3, proxy.log().stream().filter(e -> e.request().query().contains("partNumber=")).count());
    assertArrayEquals(large, server.get(bucket, "db/0001/0000000000000001-0000000000000009.ltx"));
    assertEquals(stored, get(client.readTail(OTHER, 10)).file());
    fails(ReplicaException.Conflict.class, client.createIfAbsent(OTHER, local, time));
    proxy.await(p -> p.count("DELETE") == 1, LIMIT);
  }

  @Test
  void aLargeFileThatBreaksLeavesNothing() throws Exception {
    Path local = Files.write(temporary.resolve("large"), new byte[12_000_000]);
    proxy.inject(r -> r.query().contains("partNumber=2"), new Fault.Status(500, "InternalError"));
    fails(ReplicaException.Unavailable.class, client.createIfAbsent(OTHER, local, Instant.EPOCH));
    proxy.await(p -> p.log().stream().anyMatch(S3FaultsTest::isAborted), LIMIT);
    proxy.heal();
    assertEquals(List.of(), get(client.list(1, Txid.FIRST)));
    assertEquals(0, server.uploadCount(bucket), "orphan parts");
  }

  private static boolean isAborted(FaultProxy.Exchange exchange) {
    return exchange.request().method().equals("DELETE") && exchange.status() == 204;
  }

  private CompletableFuture<LtxFile> uploadWhosePartsHang() throws Exception {
    Path local = Files.write(temporary.resolve("large"), new byte[22_000_000]);
    proxy.inject(r -> r.query().contains("partNumber="), new Fault.Hang());
    CompletableFuture<LtxFile> call = client.createIfAbsent(OTHER, local, Instant.EPOCH);
    proxy.await(p -> p.count("PUT") == 5, LIMIT);
    return call;
  }

  @Test
  void cancellingALargeFileEndsItsPartsAndRemovesThem() throws Exception {
    CompletableFuture<LtxFile> call = uploadWhosePartsHang();
    assertEquals(1, server.uploadCount(bucket));
    call.cancel(true);
    // One may stay open, idle: that of the requests before and after the parts.
    proxy.await(
        p -> p.connectionCount() <= 1 && p.log().stream().anyMatch(S3FaultsTest::isAborted), LIMIT);
    assertEquals(0, server.uploadCount(bucket));
    assertEquals(5, proxy.count("PUT"), "no part is begun after that");
  }

  @Test
  void closeEndsTheParts() throws Exception {
    CompletableFuture<LtxFile> call = uploadWhosePartsHang();
    client.close();
    fails(ReplicaException.Denied.class, call);
    proxy.await(p -> p.connectionCount() == 0, LIMIT);
  }

  @Test
  void aListingOfSeveralPagesIsWhole() throws Exception {
    for (int i = 1; i <= 1005; i++) {
      server.put(bucket, "db/0002/%016x-%016x.ltx".formatted(i, i), new byte[] {1});
    }
    assertEquals(1005, get(client.list(2, Txid.FIRST)).size());
    assertEquals(1001, get(client.list(2, new Txid(5))).size());
    assertEquals(4, proxy.count("GET"));
    List<LtxFileName> names = get(client.list(2, Txid.FIRST)).stream().map(LtxFile::name).toList();
    get(client.delete(names));
    assertEquals(2, proxy.count("POST"));
    assertEquals(List.of(), get(client.list(2, Txid.FIRST)));
  }
}
