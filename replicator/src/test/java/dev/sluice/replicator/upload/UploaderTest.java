package dev.sluice.replicator.upload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploaderTest {
  @TempDir Path folder;

  private final MemoryReplica replica = new MemoryReplica("mem:replica");
  private Answers answers = Answers.TRUE;

  /** What the client says of a write that it has done, or has not. */
  private enum Answers {
    TRUE,
    LOST,
    LOST_BEFORE,
    NONE
  }

  private final class Client extends ForwardingReplicaClient {
    Client() {
      super(replica.open());
    }

    @Override
    public CompletableFuture<LtxFile> createIfAbsent(
        LtxFileName name, Path content, Instant timestamp, Progress progress) {
      if (answers == Answers.LOST_BEFORE) {
        return CompletableFuture.failedFuture(new ReplicaException.OutcomeUnknown("lost"));
      }
      CompletableFuture<LtxFile> stored = inner.createIfAbsent(name, content, timestamp, progress);
      return switch (answers) {
        case TRUE -> stored;
        case NONE -> new CompletableFuture<>();
        default -> CompletableFuture.failedFuture(new ReplicaException.OutcomeUnknown("lost"));
      };
    }
  }

  private final ReplicaWriter writer =
      new ReplicaWriter(new Client(), new CallLimit(Duration.ofMillis(200)));

  private Uploader uploader(UploadStep.Listener steps) throws IOException {
    Uploader uploader = new Uploader(writer, folder.resolve("meta"), steps);
    Txid newest = uploader.newest();
    assertEquals(replica.files().isEmpty(), newest.equals(Txid.NONE));
    return uploader;
  }

  private Uploader uploader() throws IOException {
    return uploader(step -> {});
  }

  private SpooledFile file(long txid, int pageSize, long commit, long... pgnos) throws IOException {
    Random random = new Random(txid * 31 + pageSize);
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno : pgnos) {
      byte[] page = new byte[pageSize];
      random.nextBytes(page);
      pages.put(pgno, page);
    }
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    LtxHeader header = LtxHeader.of(pageSize, commit, range, 1_000_000 + txid);
    Path path = folder.resolve(txid + ".ltx");
    Files.write(path, new WholeFile(header, pages).encode());
    return new SpooledFile(
        new Txid(txid), path, Files.size(path), pageSize, pgnos.length == commit);
  }

  private List<String> stored() {
    return replica.files().stream().map(file -> file.name().toString()).sorted().toList();
  }

  private static String name(int level, int min, int max) {
    return new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max))).toString();
  }

  @Test
  void firstImageIsStoredOnceAsASnapshot() throws IOException {
    Uploader uploader = uploader();
    List<LtxFile> stored = uploader.store(file(1, 512, 2, 1, 2));
    assertEquals(1, stored.size());
    assertEquals(List.of(name(9, 1, 1)), stored());
    uploader.store(file(2, 512, 2, 1));
    assertEquals(List.of(name(0, 2, 2), name(9, 1, 1)), stored());
    assertEquals(Instant.ofEpochMilli(1_000_002), replica.files(0).get(0).created());
  }

  @Test
  void imageOfAnotherPageSizeIsASnapshotFirst() throws IOException {
    uploader().store(file(1, 512, 2, 1, 2));
    List<String> order = new ArrayList<>();
    SpooledFile image = file(2, 1024, 3, 1, 2, 3);
    // A new process, which does not remember the page size.
    Uploader uploader = uploader(step -> order.add(step + " " + stored().size()));
    uploader.store(image);
    assertEquals(List.of("SNAPSHOT_WRITTEN 1", "SNAPSHOT_STORED 2", "STORED 3"), order);
    assertEquals(List.of(name(0, 2, 2), name(9, 1, 1), name(9, 1, 2)), stored());
    WholeFile snapshot = WholeFile.decode(content(9, 1, 2));
    WholeFile levelZero = WholeFile.decode(content(0, 2, 2));
    assertEquals(1024, snapshot.header().pageSize());
    assertEquals(1_000_002, snapshot.header().timestampMillis());
    levelZero.pages().forEach((pgno, page) -> assertArrayEquals(page, snapshot.pages().get(pgno)));
    uploader.store(file(3, 1024, 3, 2));
    assertEquals(4, stored().size(), "the page size is the same again");
    assertTrue(Files.notExists(folder.resolve("meta/image.tmp")));
  }

  private byte[] content(int level, int min, int max) {
    return replica
        .content(new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max))))
        .orElseThrow();
  }

  @Test
  void killedAtAnyStepTheNextProcessEndsInTheSameState() throws IOException {
    uploader().store(file(1, 512, 2, 1, 2));
    SpooledFile image = file(2, 1024, 3, 1, 2, 3);
    for (UploadStep killed : UploadStep.values()) {
      replica.delete(
          replica.files().stream()
              .map(LtxFile::name)
              .filter(name -> name.range().max().equals(new Txid(2)))
              .toList());
      Uploader dying =
          uploader(
              step -> {
                if (step == killed) {
                  throw new AssertionError("killed");
                }
              });
      assertThrows(AssertionError.class, () -> dying.store(image));
      uploader().store(image);
      assertEquals(List.of(name(0, 2, 2), name(9, 1, 1), name(9, 1, 2)), stored(), killed.name());
      assertTrue(Files.notExists(folder.resolve("meta/image.tmp")), killed.name());
    }
  }

  @Test
  void writeWithoutAnswerIsTakenForDoneIfTheFileIsThere() throws IOException {
    Uploader uploader = uploader();
    uploader.store(file(1, 512, 2, 1, 2));
    answers = Answers.LOST;
    assertEquals(1, uploader.store(file(2, 512, 2, 1)).size());
    answers = Answers.NONE;
    assertEquals(1, uploader.store(file(3, 512, 2, 1)).size());
    answers = Answers.LOST_BEFORE;
    SpooledFile fourth = file(4, 512, 2, 1);
    assertThrows(ReplicaException.OutcomeUnknown.class, () -> uploader.store(fourth));
    answers = Answers.TRUE;
    uploader.store(fourth);
    assertEquals(4, stored().size());
  }

  @Test
  void fileThatIsThereAlreadyIsNotStoredAgain() throws IOException {
    uploader().store(file(1, 512, 2, 1, 2));
    SpooledFile second = file(2, 512, 2, 1);
    LtxFile stored = uploader().store(second).get(0);
    assertEquals(List.of(stored), uploader().store(second));
  }

  @Test
  void fileOfAnotherWriterIsNotOverwritten() throws IOException {
    uploader().store(file(1, 512, 2, 1, 2));
    SpooledFile theirs = file(2, 512, 2, 2);
    uploader().store(theirs);
    byte[] content = content(0, 2, 2);
    Uploader uploader = uploader();
    SpooledFile ours = file(2, 512, 2, 1);
    SecondWriterException e = assertThrows(SecondWriterException.class, () -> uploader.store(ours));
    assertTrue(String.valueOf(e.getMessage()).contains("0000000000000002"), e.getMessage());
    assertArrayEquals(content, content(0, 2, 2));
  }

  @Test
  void newestFileThatIsGoneIsLookedForAnew() throws IOException {
    uploader().store(file(1, 512, 2, 1, 2));
    LtxFile second = uploader().store(file(2, 512, 2, 1)).get(0);
    Uploader uploader = uploader();
    replica.delete(List.of(second.name()));
    uploader.store(file(3, 512, 2, 2));
    assertEquals(List.of(name(0, 3, 3), name(9, 1, 1)), stored());
  }
}
