package dev.sluice.storage;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimeTargetTest {
  private static final Instant START = Instant.parse("2026-11-20T10:00:00Z");

  @TempDir private Path root;
  private final RequestMeter meter = new RequestMeter();
  private ReplicaClient client;

  @BeforeEach
  void open() {
    client =
        new MeteringReplicaClient(
            ReplicaClients.open(ReplicaUrl.ofDirectory(root.toString()), name -> Optional.empty()),
            meter);
  }

  @AfterEach
  void close() {
    client.close();
  }

  @Test
  void aTimeMeansTheNewestStateStrictlyBeforeIt() throws Exception {
    put(9, 1, 1, 0, 0);
    put(0, 2, 2, 10, 10);
    put(0, 3, 3, 20, 20);
    assertResolves(1, START.plusMillis(1));
    assertResolves(1, START.plusSeconds(10));
    assertResolves(2, START.plusSeconds(10).plusNanos(1));
    assertResolves(2, START.plusSeconds(20));
    assertResolves(3, START.plusSeconds(20).plusMillis(1));
    assertResolves(3, Instant.MAX);
  }

  @Test
  void beforeTheOldestStateThereIsNone() throws Exception {
    put(0, 1, 1, 0, 0);
    put(0, 2, 2, 1, 1);
    PlanException.NotReachable e = fails(PlanException.NotReachable.class, START, Set.of());
    assertEquals(Optional.empty(), e.below());
    assertEquals(Optional.of(Txid.FIRST), e.above());
    assertTrue(String.valueOf(e.getMessage()).contains("2026-11-20T10:00:00Z"), e.getMessage());
    fails(PlanException.NotReachable.class, Instant.MIN, Set.of());
  }

  @Test
  void anEmptyReplicaHasNoFilesYet() throws Exception {
    fails(PlanException.NoFiles.class, START, Set.of());
  }

  @Test
  void headersAreBelievedNotListings() throws Exception {
    for (long txid = 1; txid <= 40; txid++) {
      put(0, txid, txid, txid, 1000 - txid);
    }
    for (int txid = 1; txid <= 40; txid++) {
      assertResolves(txid, START.plusSeconds(txid).plusMillis(1));
    }
  }

  @Test
  void theTimeOfASnapshotDoesNotHideTheTimeOfItsLastTransaction() throws Exception {
    put(0, 1, 1, 0, 0);
    put(1, 1, 2, 10, 10);
    put(9, 1, 2, 3600, 3600);
    put(0, 3, 3, 3700, 3700);
    assertResolves(2, START.plusSeconds(11));
  }

  @Test
  void aSnapshotAloneIsTakenAtItsOwnTime() throws Exception {
    put(9, 1, 5, 100, 100);
    put(9, 1, 9, 200, 200);
    assertResolves(5, START.plusSeconds(101));
    assertResolves(9, START.plusSeconds(201));
    fails(PlanException.NotReachable.class, START.plusSeconds(100), Set.of());
  }

  @Test
  void aLeftOverFileThatCannotBeReachedIsPassedOver() throws Exception {
    put(9, 1, 3, 3, 3);
    put(1, 4, 10, 10, 10);
    put(0, 9, 9, 9, 9);
    assertResolves(3, START.plusSeconds(9).plusMillis(500));
  }

  @Test
  void aStateBeyondAGapIsAGapNotAnOlderState() throws Exception {
    put(0, 1, 1, 1, 1);
    put(0, 2, 2, 2, 2);
    put(0, 4, 4, 4, 4);
    assertEquals(
        new Txid(3), fails(PlanException.Gap.class, START.plusSeconds(5), Set.of()).missing());
    assertResolves(2, START.plusSeconds(3));
  }

  @Test
  void anUnreadableHeaderMattersOnlyWhereNoOtherFileEnds() throws Exception {
    put(0, 1, 1, 1, 1);
    put(0, 2, 2, 2, 2);
    put(0, 3, 3, 3, 3);
    Files.write(path(0, 2, 2), new byte[200]);
    fails(LtxFormatException.class, START.plusSeconds(3), Set.of());
    put(1, 1, 2, 2, 2);
    assertResolves(2, START.plusSeconds(3));
    Files.write(path(0, 3, 3), new byte[20]);
    LtxFormatException e = fails(LtxFormatException.class, START.plusSeconds(9), Set.of());
    assertTrue(e.file().contains(client.location()), e.file());
  }

  @Test
  void theStateOfAnExcludedFileIsNotReplacedByAnOlderOne() throws Exception {
    put(0, 1, 1, 1, 1);
    LtxFile bad = put(0, 2, 2, 2, 2);
    assertEquals(
        new Txid(2), fails(PlanException.Gap.class, START.plusSeconds(9), Set.of(bad)).missing());
    put(1, 1, 2, 2, 2);
    assertEquals(new Txid(2), resolve(START.plusSeconds(9), Set.of(bad)).get(20, SECONDS));
  }

  @Test
  void clocksThatWentBackGiveTheGreatestTxidBeforeTheInstant() throws Exception {
    int[] seconds = {1, 9, 3, 8, 5};
    for (int i = 0; i < seconds.length; i++) {
      put(0, i + 1, i + 1, seconds[i], seconds[i]);
    }
    assertResolves(5, START.plusSeconds(6));
    assertResolves(3, START.plusSeconds(4));
    assertResolves(5, START.plusSeconds(100));
  }

  @Test
  void threeThousandFilesTakeOneRoundWhereListingsAreRightAndThreeWhereTheyAreNot()
      throws Exception {
    int count = 3000;
    for (long txid = 1; txid <= count; txid++) {
      put(0, txid, txid, txid * 30L, 0);
    }
    List<LtxFile> uploads = files();
    List<LtxFile> right =
        uploads.stream()
            .map(file -> new LtxFile(file.name(), file.size(), uploadTime(file), file.version()))
            .toList();
    Random random = new Random(3);
    for (int i = 0; i < 40; i++) {
      long txid = 1L + random.nextInt(count);
      Instant before = START.plusSeconds(txid * 30).plusMillis(1 + random.nextInt(29_999));
      assertCosts(1, 16, uploadsResolve(right, txid, before));
      assertCosts(4, 64, uploadsResolve(uploads, txid, before));
    }
  }

  private static Instant uploadTime(LtxFile file) {
    return START.plusSeconds(file.name().range().max().value() * 30).plusSeconds(1);
  }

  private RequestMeter.Snapshot uploadsResolve(List<LtxFile> files, long txid, Instant before)
      throws Exception {
    RequestMeter counts = new RequestMeter();
    ReplicaClient counted = new MeteringReplicaClient(client, counts);
    CompletableFuture<Txid> found =
        new TimeTarget(counted, counts).resolve(files, new Target.Before(before), Set.of());
    assertEquals(new Txid(txid), found.get(20, SECONDS));
    return counts.snapshot();
  }

  private static void assertCosts(long rounds, long gets, RequestMeter.Snapshot counts) {
    assertTrue(counts.rounds() <= rounds && counts.gets() <= gets, counts.toString());
    assertEquals(100 * counts.gets(), counts.bytes());
  }

  @Test
  void cancellingEndsTheReads() {
    ScriptedReplicaClient scripted = new ScriptedReplicaClient();
    LtxFile file =
        new LtxFile(
            new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST)), 200, Instant.EPOCH, "v");
    CompletableFuture<Txid> found =
        new TimeTarget(scripted, meter).resolve(List.of(file), new Target.Before(START), Set.of());
    found.cancel(true);
    assertTrue(scripted.last().isCancelled());
  }

  private void assertResolves(long txid, Instant before) throws Exception {
    assertEquals(new Txid(txid), resolve(before, Set.of()).get(20, SECONDS), before.toString());
  }

  private <F extends Exception> F fails(Class<F> type, Instant before, Set<LtxFile> excluding)
      throws Exception {
    CompletableFuture<Txid> found = resolve(before, excluding);
    return assertInstanceOf(
        type, assertThrows(ExecutionException.class, () -> found.get(20, SECONDS)).getCause());
  }

  private CompletableFuture<Txid> resolve(Instant before, Set<LtxFile> excluding) throws Exception {
    return new TimeTarget(client, meter).resolve(files(), new Target.Before(before), excluding);
  }

  private List<LtxFile> files() throws Exception {
    return Listings.all(client).get(20, SECONDS);
  }

  private LtxFile put(int level, long min, long max, long headerSeconds, long listedSeconds)
      throws Exception {
    TxidRange range = new TxidRange(new Txid(min), new Txid(max));
    LtxHeader header =
        LtxHeader.of(4096, 1, range, START.plusSeconds(headerSeconds).toEpochMilli());
    ByteBuffer bytes = ByteBuffer.allocate(200);
    header.write(bytes);
    Path path = path(level, min, max);
    Files.createDirectories(Objects.requireNonNull(path.getParent()));
    Files.write(path, bytes.array());
    Files.setLastModifiedTime(path, FileTime.from(START.plusSeconds(listedSeconds)));
    return client.readTail(new LtxFileName(level, range), 1).get(20, SECONDS).file();
  }

  private Path path(int level, long min, long max) {
    TxidRange range = new TxidRange(new Txid(min), new Txid(max));
    return root.resolve(Layout.DIRECTORY.key("", new LtxFileName(level, range)));
  }
}
