package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

@SuppressWarnings("FutureReturnValueIgnored") // the calls are what counts
class MeteringReplicaClientTest {
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  private static final LtxFile FILE = new LtxFile(NAME, 100, Instant.EPOCH, "v");

  private final ScriptedReplicaClient inner = new ScriptedReplicaClient();
  private final RequestMeter meter = new RequestMeter();
  private final ReplicaClient client = new MeteringReplicaClient(inner, meter);

  @Test
  void everyKindOfCallIsCountedWithItsBytes() throws IOException {
    client.list(0, Txid.FIRST);
    client.read(FILE, 0, 10);
    inner.<byte[]>last().complete(new byte[10]);
    client.readTail(NAME, 20);
    inner.<ReplicaClient.Tail>last().complete(new ReplicaClient.Tail(FILE, new byte[20]));
    CompletableFuture<InputStream> open = client.open(FILE);
    inner.<InputStream>last().complete(new ByteArrayInputStream(new byte[100]));
    InputStream in = open.join();
    assertEquals(0, in.read());
    assertEquals(9, in.skip(9));
    assertEquals(90, in.readAllBytes().length);
    assertEquals(-1, in.read());
    client.createIfAbsent(NAME, Path.of("x"), Instant.EPOCH);
    inner.<LtxFile>last().complete(FILE);
    client.delete(List.of(NAME));
    inner.last().completeExceptionally(new ReplicaException.Unavailable("away"));
    client.readTail(NAME, 20);
    inner.last().completeExceptionally(new ReplicaException.NotFound("none"));
    meter.countHead();
    meter.countHedge();
    meter.addWasteBytes(7);
    assertEquals(
        new RequestMeter.Snapshot(1, 4, 1, 1, 1, 130, 1, 1, 7, FILE.size(), 1), meter.snapshot());
  }

  @Test
  void aRoundCountsWithItsFirstRequest() {
    meter.beginRound();
    assertEquals(0, meter.snapshot().rounds());
    client.list(0, Txid.FIRST);
    client.list(1, Txid.FIRST);
    assertEquals(1, meter.snapshot().rounds());
    meter.beginRound();
    meter.beginRound();
    assertEquals(1, meter.snapshot().rounds());
    client.read(FILE, 0, 1);
    client.read(FILE, 1, 1);
    assertEquals(2, meter.snapshot().rounds());
  }

  @Test
  void aFailedRequestCountsAndAnImpossibleOneDoesNot() {
    CompletableFuture<byte[]> read = client.read(FILE, 0, 10);
    ReplicaException.NotFound gone = new ReplicaException.NotFound("gone");
    inner.failLast(gone);
    assertEquals(gone, assertThrows(CompletionException.class, read::join).getCause());
    assertThrows(IllegalArgumentException.class, () -> client.read(FILE, 0, 101));
    assertEquals(1, meter.snapshot().gets());
    assertEquals(0, meter.snapshot().bytes());
  }

  @Test
  void cancellingReachesTheRequest() {
    client.read(FILE, 0, 10).cancel(true);
    assertTrue(inner.last().isCancelled());
    client.open(FILE).cancel(true);
    assertTrue(inner.last().isCancelled());
    client.list(0, Txid.FIRST).cancel(true);
    assertTrue(inner.last().isCancelled());
  }

  @Test
  void listingAllLevelsIsOneRoundAndOneFailureEndsIt() {
    CompletableFuture<List<LtxFile>> all = Listings.all(client);
    assertEquals(10, meter.snapshot().lists());
    assertEquals(1, meter.snapshot().rounds());
    inner.failLast(new ReplicaException.Denied("403"));
    assertTrue(all.isCompletedExceptionally());
  }

  @Test
  void closingClosesTheClientInside() {
    client.close();
    assertTrue(inner.isClosed);
  }
}
