package dev.sluice.cache.bulk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A storage that breaks, hangs or is far away, on a real socket. */
class BulkTroubleTest {
  private static final int PAGE_SIZE = 4096;
  private static final int PAGES = 300;
  private static final int REQUEST_BYTES = 200_000;

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.endpoint());
  private final String bucket = server.createBucket();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private ReplicaClient client;

  @BeforeEach
  void open() {
    Map<String, String> keys =
        Map.of(
            "AWS_ACCESS_KEY_ID",
            S3Server.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY",
            S3Server.SECRET_ACCESS_KEY);
    client =
        ReplicaClients.open(
            ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + proxy.endpoint()),
            name -> Optional.ofNullable(keys.get(name)));
  }

  @AfterEach
  void close() {
    client.close();
    proxy.close();
    timer.shutdownNow();
  }

  private static byte[] page(long txid, long pgno) {
    byte[] page = new byte[PAGE_SIZE];
    new Random(txid << 32 | pgno).nextBytes(page);
    return page;
  }

  private void put(long txid, int level, int pages) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    try (LtxEncoder encoder =
        new LtxEncoder(out, LtxHeader.of(PAGE_SIZE, pages, range, 1_790_000_000_000L))) {
      for (long pgno = 1; pgno <= pages; pgno++) {
        encoder.page(pgno, page(txid, pgno));
      }
      encoder.finish();
    }
    server.put(bucket, "db/000" + level + "/" + range + ".ltx", out.toByteArray());
  }

  private CollectedPages read(Duration stallLimit, Limits limits) throws IOException {
    CollectedPages pages = new CollectedPages();
    BulkReader.Setup setup =
        BulkReader.Setup.of("bulk-test", stallLimit).withThreads(2).withLimits(limits);
    new BulkReader(client, new RequestMeter(), Retries.standard(new Random(), timer), setup)
        .read(Listings.all(client).join(), pages);
    return pages;
  }

  private static void requirePages(CollectedPages pages) {
    for (LtxFile file : pages.proven()) {
      pages
          .pages(file)
          .forEach(
              (pgno, page) ->
                  assertArrayEquals(page(file.name().range().max().value(), pgno), page));
    }
  }

  private static boolean isTransfer(FaultProxy.Request request) {
    return request.method().equals("GET") && request.path().endsWith(".ltx");
  }

  private long transfers() {
    return proxy.log().stream().filter(one -> isTransfer(one.request())).count();
  }

  @Test
  void everyRangeMayBreakOnceAndIsAllThatIsAskedForAgain() throws IOException {
    put(1, 9, PAGES);
    Set<String> broken = new HashSet<>();
    Random random = new Random(3);
    proxy.inject(
        request -> {
          if (!isTransfer(request) || !broken.add(request.range())) {
            return Optional.empty();
          }
          long after = random.nextInt(100);
          return Optional.of(
              switch (broken.size() % 3) {
                case 0 -> new Fault.Reset(after);
                case 1 -> new Fault.Truncate(after);
                default -> new Fault.ResetInsteadOfAnswer();
              });
        });
    CollectedPages pages =
        read(Duration.ofSeconds(20), new Limits(4 * REQUEST_BYTES, REQUEST_BYTES, 8));
    assertEquals(1, pages.proven().size());
    requirePages(pages);
    assertTrue(broken.size() >= 8, broken + " broke");
    assertEquals(2L * broken.size(), transfers());
  }

  @Test
  void aStorageThatHangsEndsItAtTheStallLimit() throws IOException {
    put(1, 9, PAGES);
    Duration limit = Duration.ofSeconds(2);
    // Ends of the file come, its frames do not.
    proxy.inject(
        request ->
            isTransfer(request) && request.range().startsWith("bytes=100-")
                ? Optional.of(new Fault.Hang())
                : Optional.empty());
    long begun = System.nanoTime();
    Limits one = new Limits(REQUEST_BYTES, REQUEST_BYTES, 1);
    ReplicaException.Unavailable failure =
        assertThrows(ReplicaException.Unavailable.class, () -> read(limit, one));
    long millis = (System.nanoTime() - begun) / 1_000_000;
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains("no answer") || message.contains("nothing came"), message);
    assertTrue(millis >= limit.toMillis(), millis + " ms");
    assertTrue(millis < 4 * limit.toMillis(), millis + " ms");
  }

  @Test
  void manySmallFilesComeBesideEachOther() throws IOException {
    int files = 300;
    Duration delay = Duration.ofMillis(40);
    for (long txid = 1; txid <= files; txid++) {
      put(txid, 0, 1);
    }
    proxy.inject(BulkTroubleTest::isTransfer, new Fault.Delay(delay));
    long begun = System.nanoTime();
    CollectedPages pages = read(Duration.ofSeconds(20), Limits.standard());
    long millis = (System.nanoTime() - begun) / 1_000_000;
    assertEquals(files, pages.proven().size());
    requirePages(pages);
    assertEquals(files, transfers());
    assertTrue(millis < files * delay.toMillis() / 3, millis + " ms");
    List<Long> txids = new ArrayList<>();
    pages.begun().forEach(file -> txids.add(file.name().range().max().value()));
    assertEquals(txids.stream().sorted().toList(), txids);
  }
}
