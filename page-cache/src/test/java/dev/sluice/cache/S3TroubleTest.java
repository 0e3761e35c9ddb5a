package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trouble table's lines about the storage, for opening and for reading, on a real socket. */
@SuppressWarnings({"NonApiType", "IntLongMath", "NarrowingCompoundAssignment"})
class S3TroubleTest {
  private static final int PAGES = 400;
  private static final int PAGE_SIZE = 4096;
  private static final Duration TIMEOUT = Duration.ofMillis(1500);
  private static final long AT_ONCE_NANOS = Duration.ofMillis(1200).toNanos();

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.endpoint());
  private final String bucket = server.createBucket();
  private final Replicas replicas = new Replicas(TestReplicas.MEMORY, environment());
  private final byte[][] pages = new byte[PAGES + 1][PAGE_SIZE];

  private static Environment environment() {
    Map<String, String> keys =
        Map.of(
            "AWS_ACCESS_KEY_ID",
            S3Server.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY",
            S3Server.SECRET_ACCESS_KEY);
    return name -> Optional.ofNullable(keys.get(name));
  }

  @BeforeEach
  void putAReplica() throws IOException {
    Random random = new Random(5);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder = new LtxEncoder(out, TestReplicas.header(PAGE_SIZE, PAGES, 1, 1))) {
      for (int pgno = 1; pgno <= PAGES; pgno++) {
        random.nextBytes(pages[pgno]);
        encoder.page(pgno, pages[pgno]);
      }
      encoder.finish();
    }
    server.put(bucket, key(), out.toByteArray());
  }

  private static String key() {
    return "db/0009/0000000000000001-0000000000000001.ltx";
  }

  @AfterEach
  void close() {
    replicas.close();
    proxy.close();
  }

  private ReplicaOptions options(String ofBucket) {
    ReplicaUrl url =
        ReplicaUrl.parse(
            "s3://"
                + ofBucket
                + "/db?region=us-east-1&force-path-style=true&endpoint="
                + proxy.endpoint());
    return ReplicaOptions.of(url).withReadTimeout(TIMEOUT);
  }

  /** The client's own start costs a second: it is not part of what is timed. */
  private Replica openOnce() throws IOException {
    Duration patient = Duration.ofSeconds(30);
    return open(options(bucket).withReadTimeout(patient));
  }

  private Replica open(ReplicaOptions options) throws IOException {
    Replica replica = replicas.acquire(options);
    replica.latest();
    return replica;
  }

  private <T extends IOException> T openFails(Class<T> type, String ofBucket) {
    T failure = assertThrows(type, () -> replicas.acquire(options(ofBucket)).latest());
    assertFalse(
        String.valueOf(failure.getMessage()).contains(S3Server.SECRET_ACCESS_KEY),
        failure.getMessage());
    return failure;
  }

  @Test
  void pagesOfAnS3ReplicaAreRead() throws IOException {
    Replica replica = openOnce();
    assertEquals(Txid.FIRST, replica.latest().txid());
    assertArrayEquals(pages[200], TestReplicas.page(replica, replica.latest(), 200));
    assertEquals(3, replica.requests().rounds());
  }

  @Test
  void refusalsFailAtOnceAndTheNextOpeningWorks() throws IOException {
    replicas.release(openOnce());
    openFails(ReplicaException.Denied.class, "no-such-bucket");
    proxy.inject(request -> true, new Fault.Status(403, "AccessDenied"));
    long start = System.nanoTime();
    openFails(ReplicaException.Denied.class, bucket);
    assertTrue(
        System.nanoTime() - start < AT_ONCE_NANOS, "denied after " + (System.nanoTime() - start));
    proxy.heal();
    assertEquals(Txid.FIRST, openOnce().latest().txid());
  }

  @Test
  void anOpeningIsTriedUntilTheDeadline() throws IOException {
    replicas.release(openOnce());
    for (Fault fault : new Fault[] {new Fault.Status(503, "SlowDown"), new Fault.Hang()}) {
      proxy.inject(request -> true, fault);
      ReplicaException.Unavailable failure = openFails(ReplicaException.Unavailable.class, bucket);
      assertTrue(String.valueOf(failure.getMessage()).contains("tried"), failure.getMessage());
      proxy.heal();
    }
    proxy.refuse();
    openFails(ReplicaException.Unavailable.class, bucket);
    proxy.heal();
    assertEquals(Txid.FIRST, openOnce().latest().txid());
  }

  @Test
  void aReadSurvivesWhatPassesAndFailsWithWhatStays() throws IOException {
    // The reads' deadline is that of the options with which the replica was opened first.
    Replica replica = openWithShortReads();
    View view = replica.latest();
    proxy.inject(1, request -> true, new Fault.Status(500, "InternalError"));
    proxy.inject(1, request -> true, new Fault.Reset(100));
    assertArrayEquals(pages[210], TestReplicas.page(replica, view, 210));
    proxy.inject(request -> true, new Fault.Status(503, "SlowDown"));
    ReplicaException.Unavailable failure =
        assertThrows(
            ReplicaException.Unavailable.class, () -> TestReplicas.page(replica, view, 220));
    assertTrue(String.valueOf(failure.getMessage()).contains("tried"), failure.getMessage());
    assertEquals(Optional.of(String.valueOf(failure.getMessage())), replica.lastError());
    proxy.heal();
    assertArrayEquals(pages[220], TestReplicas.page(replica, view, 220));
    TestReplicas.await(() -> replica.lastError().isEmpty());
    proxy.inject(request -> true, new Fault.Status(403, "AccessDenied"));
    assertThrows(ReplicaException.Denied.class, () -> TestReplicas.page(replica, view, 230));
  }

  private Replica openWithShortReads() throws IOException {
    replicas.release(openOnce());
    return open(options(bucket).withPollInterval(Duration.ofHours(1))); // looks fail, too
  }

  @Test
  void aFileThatHasBecomeAnotherIsAReplacedReplica() throws IOException {
    Replica replica = openOnce();
    byte[] other = server.get(bucket, key());
    other[other.length / 2] ^= 1;
    server.put(bucket, key(), other);
    View view = replica.latest();
    assertThrows(ViewException.Replaced.class, () -> TestReplicas.page(replica, view, 200));
    assertThrows(ViewException.Replaced.class, replica::latest);
    server.delete(bucket, key());
    assertThrows(ViewException.Replaced.class, () -> TestReplicas.page(replica, view, 201));
  }

  private void restore(Path out, Duration stallLimit, Restorer.Progress progress)
      throws IOException {
    try (ReplicaClient client = ReplicaClients.open(options(bucket).url(), environment());
        Restorer restorer = new Restorer(client, new RequestMeter(), stallLimit)) {
      restorer.restore(new Target.Latest(), out, DatabasePlace.Existing.REFUSE, progress);
    }
  }

  private void requireImage(Path out) throws IOException {
    byte[] image = Files.readAllBytes(out);
    assertEquals(PAGES * PAGE_SIZE, image.length);
    for (int pgno = 1; pgno <= PAGES; pgno++) {
      assertArrayEquals(
          pages[pgno], Arrays.copyOfRange(image, (pgno - 1) * PAGE_SIZE, pgno * PAGE_SIZE));
    }
  }

  private static boolean isTransfer(FaultProxy.Request request) {
    return request.method().equals("GET") && request.path().endsWith(".ltx");
  }

  /** Of the two ranges in which the file's frames are asked for. */
  private static boolean isRange(FaultProxy.Request request) {
    Matcher range = Pattern.compile("bytes=(\\d+)-(\\d+)").matcher(request.range());
    return isTransfer(request)
        && range.matches()
        && Long.parseLong(range.group(2)) - Long.parseLong(range.group(1)) > 400_000;
  }

  @Test
  void aRestoreSurvivesTransfersThatBreakInTheMiddle(@TempDir Path dir) throws IOException {
    proxy.inject(1, S3TroubleTest::isRange, new Fault.Reset(400_000));
    proxy.inject(1, S3TroubleTest::isRange, new Fault.Truncate(300_000));
    proxy.inject(1, S3TroubleTest::isTransfer, new Fault.Status(503, "SlowDown"));
    Path out = dir.resolve("out.db");
    restore(out, Duration.ofSeconds(20), Restorer.Progress.none());
    requireImage(out);
    assertEquals(4 + 3, proxy.log().stream().filter(one -> isTransfer(one.request())).count());
  }

  @Test
  void aRestoreSurvivesATransferThatStallsUntilItsConnectionEnds(@TempDir Path dir)
      throws IOException {
    proxy.inject(1, S3TroubleTest::isRange, new Fault.Stall(300_000));
    Path out = dir.resolve("out.db");
    AtomicBoolean isCut = new AtomicBoolean();
    restore(
        out,
        Duration.ofSeconds(20),
        (done, total) -> {
          if (done > 400_000 && isCut.compareAndSet(false, true)) {
            proxy.refuse();
            proxy.heal();
          }
        });
    assertTrue(isCut.get());
    requireImage(out);
  }

  @Test
  void aRestoreGetsByInSmallPiecesWhereTransfersAlwaysBreak(@TempDir Path dir) throws IOException {
    proxy.inject(S3TroubleTest::isTransfer, new Fault.Reset(100_000));
    Path out = dir.resolve("out.db");
    restore(out, Duration.ofSeconds(6), Restorer.Progress.none());
    requireImage(out);
  }

  @Test
  void aRestoreWhoseTransfersAlwaysBreakAtOnePlaceEndsAndLeavesNothing(@TempDir Path dir)
      throws IOException {
    proxy.inject(S3TroubleTest::isTransfer, new Fault.Reset(50_000));
    assertThrows(
        ReplicaException.Unavailable.class,
        () -> restore(dir.resolve("out.db"), TIMEOUT, Restorer.Progress.none()));
    try (Stream<Path> files = Files.list(dir)) {
      assertEquals(0, files.count());
    }
  }
}
