package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RemoteReplicaTest {
  @TempDir Path folder;

  private final MemoryReplica replica = new MemoryReplica("mem:replica");

  private static byte[] file(long txid, int content) {
    return file(txid, content, 512);
  }

  private static byte[] file(long txid, int content, int pageSize) {
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    byte[] page = new byte[pageSize];
    page[100] = (byte) content;
    LtxHeader header = LtxHeader.of(pageSize, 1, range, 1_000_000 + txid);
    return new WholeFile(header, new TreeMap<>(Map.of(1L, page))).encode();
  }

  private LtxFile store(long txid, int content) {
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    return replica.put(
        new LtxFileName(txid == 1 ? 9 : 0, range), file(txid, content), Instant.EPOCH);
  }

  @Test
  void newestFileThatIsGoneIsNotAskedForAgain() throws IOException {
    store(1, 1);
    LtxFile second = store(2, 2);
    byte[] bytes = file(2, 2);
    Path path = Files.write(folder.resolve("2.ltx"), bytes);
    List<SpooledFile> local = List.of(new SpooledFile(new Txid(2), path, bytes.length, 512, true));
    DatabaseSettings settings = DatabaseSettings.of(folder.resolve("app.db"));
    try (RemoteReplica remote = new RemoteReplica(settings, replica.open(), step -> {})) {
      assertEquals(new Txid(2), remote.newest());
      replica.delete(List.of(second.name()));
      assertThrows(ReplicaException.NotFound.class, () -> remote.checkedNewest(local));
      assertEquals(new Txid(1), remote.checkedNewest(local), "it is listed anew");
      store(2, 3);
      assertEquals(new Txid(2), remote.listAnew().txid());
      assertThrows(SecondWriterException.class, () -> remote.checkedNewest(local));
    }
  }

  /** The process before was gone between the two files of an image with another page size. */
  @Test
  void imageOfWhichOnlyTheSnapshotIsStoredIsStoredAsACutAsWell() throws IOException {
    store(1, 1);
    byte[] bytes = file(2, 2, 1024);
    Path path = Files.write(folder.resolve("2.ltx"), bytes);
    SpooledFile image = new SpooledFile(new Txid(2), path, bytes.length, 1024, true);
    DatabaseSettings settings = DatabaseSettings.of(folder.resolve("app.db"));
    try (RemoteReplica remote = new RemoteReplica(settings, replica.open(), step -> {})) {
      assertEquals(new Txid(1), remote.checkedNewest(List.of(image)));
      remote.store(image);
    }
    LtxFileName cut = new LtxFileName(0, new TxidRange(new Txid(2), new Txid(2)));
    replica.delete(List.of(cut));
    try (RemoteReplica remote = new RemoteReplica(settings, replica.open(), step -> {})) {
      assertEquals(new Txid(1), remote.checkedNewest(List.of(image)));
      remote.store(image);
      assertEquals(new Txid(2), remote.checkedNewest(List.of(image)));
    }
  }
}
