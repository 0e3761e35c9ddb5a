package dev.sluice.storage;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every {@link ReplicaClient} promises who lists and reads. A client's test extends {@link
 * ReplicaClientContract}, which has the rest, and says how to open a client on an empty replica and
 * how to put an object there behind the client's back.
 */
public abstract class ReplicaReadContract {
  /** No answer takes longer; a test that waits so long fails. */
  static final long SECONDS_MAX = 20;

  /** Where the subclass and the tests keep their local files. */
  @TempDir protected Path temporary;

  ReplicaClient client;

  /**
   * Returns a new client of the replica of this test, which is empty at first. Called more than
   * once in a test.
   */
  protected abstract ReplicaClient openClient() throws Exception;

  /** Returns how this storage arranges its keys. */
  protected abstract Layout layout();

  /** Stores an object, replacing what is there, under a key relative to the replica's path. */
  protected abstract void put(String key, byte[] content) throws Exception;

  @BeforeEach
  void openClientOfEmptyReplica() throws Exception {
    client = openClient();
  }

  @AfterEach
  void closeClient() {
    client.close();
  }

  @Test
  public void aReplicaThatDoesNotExistIsAnEmptyListOnEveryLevel() throws Exception {
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      assertEquals(List.of(), get(client.list(level, Txid.FIRST)));
    }
  }

  @Test
  public void aLevelThatDoesNotExistIsRefusedAtOnce() {
    assertThrows(IllegalArgumentException.class, () -> client.list(10, Txid.FIRST));
    assertThrows(IllegalArgumentException.class, () -> client.list(-1, Txid.FIRST));
  }

  @Test
  public void listIsAscendingByUnsignedTxids() throws Exception {
    List<LtxFileName> names =
        List.of(
            name(0, 1, 1),
            name(0, 2, 2),
            name(0, 2, 9),
            name(0, Long.MAX_VALUE, Long.MIN_VALUE),
            name(0, -2, -1));
    List<LtxFileName> shuffled = new ArrayList<>(names);
    Collections.shuffle(shuffled, new Random(1));
    for (LtxFileName name : shuffled) {
      putFile(name, bytes(10));
    }
    assertEquals(names, namesOf(get(client.list(0, Txid.FIRST))));
  }

  @Test
  public void listBeginsAtTheMinTxidAskedFor() throws Exception {
    putFile(name(1, 1, 9), bytes(10));
    putFile(name(1, 10, 19), bytes(10));
    putFile(name(1, 0x100, 0x1ff), bytes(10));
    putFile(name(1, -1, -1), bytes(10));
    assertEquals(4, get(client.list(1, Txid.NONE)).size());
    assertEquals(4, get(client.list(1, Txid.FIRST)).size());
    assertEquals(
        List.of(name(1, 10, 19), name(1, 0x100, 0x1ff), name(1, -1, -1)),
        namesOf(get(client.list(1, new Txid(2)))));
    assertEquals(
        List.of(name(1, 10, 19), name(1, 0x100, 0x1ff), name(1, -1, -1)),
        namesOf(get(client.list(1, new Txid(10)))));
    assertEquals(
        List.of(name(1, 0x100, 0x1ff), name(1, -1, -1)),
        namesOf(get(client.list(1, new Txid(11)))));
    assertEquals(List.of(name(1, -1, -1)), namesOf(get(client.list(1, Txid.MAX))));
  }

  @Test
  public void listGivesSizeAndOneLevelOnly() throws Exception {
    putFile(name(0, 1, 1), bytes(123));
    putFile(name(9, 1, 1), bytes(45));
    List<LtxFile> files = get(client.list(0, Txid.FIRST));
    assertEquals(List.of(name(0, 1, 1)), namesOf(files));
    assertEquals(123, files.get(0).size());
    assertEquals(45, get(client.list(9, Txid.FIRST)).get(0).size());
  }

  @Test
  public void namesThatAreNotLtxFileNamesAreLeftOut() throws Exception {
    String folder = layout().folder(0) + "/";
    putFile(name(0, 1, 1), bytes(10));
    List<String> junk =
        List.of(
            "0000000000000002-0000000000000002.ltx.tmp",
            "0000000000000002-0000000000000002.LTX",
            "0000000000000002-000000000000000g.ltx",
            "000000000000000A-000000000000000A.ltx",
            "0000000000000003-0000000000000002.ltx",
            "0000000000000000-0000000000000002.ltx",
            "2-2.ltx",
            "x0000000000000002-0000000000000002.ltx",
            "README",
            "0000000000000002-0000000000000002.ltx.d/0000000000000002-0000000000000002.ltx",
            ".ltx");
    for (String name : junk) {
      put(folder + name, bytes(10));
    }
    assertEquals(List.of(name(0, 1, 1)), namesOf(get(client.list(0, Txid.NONE))));
  }

  @Test
  public void readGivesExactlyTheRange() throws Exception {
    byte[] content = bytes(100_000);
    LtxFile file = putFile(name(0, 1, 1), content);
    assertArrayEquals(content, get(client.read(file, 0, content.length)));
    assertArrayEquals(Arrays.copyOfRange(content, 500, 4596), get(client.read(file, 500, 4096)));
    assertArrayEquals(
        Arrays.copyOfRange(content, 99_999, 100_000), get(client.read(file, 99_999, 1)));
    assertArrayEquals(new byte[0], get(client.read(file, 500, 0)));
    assertArrayEquals(new byte[0], get(client.read(file, 100_000, 0)));
  }

  @Test
  public void aRangeOutsideTheListedSizeIsRefusedAtOnce() throws Exception {
    LtxFile file = putFile(name(0, 1, 1), bytes(100));
    assertThrows(IllegalArgumentException.class, () -> client.read(file, 0, 101));
    assertThrows(IllegalArgumentException.class, () -> client.read(file, 100, 1));
    assertThrows(IllegalArgumentException.class, () -> client.read(file, -1, 1));
    assertThrows(IllegalArgumentException.class, () -> client.read(file, 0, -1));
    assertThrows(IllegalArgumentException.class, () -> client.readTail(file.name(), 0));
    assertThrows(
        IllegalArgumentException.class, () -> client.read(file, Long.MAX_VALUE, Integer.MAX_VALUE));
  }

  @Test
  public void manyReadsAtOnceEachGiveTheirRange() throws Exception {
    byte[] content = bytes(200_000);
    LtxFile file = putFile(name(0, 1, 1), content);
    List<CompletableFuture<byte[]>> reads = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      reads.add(client.read(file, i * 1000L, 1500));
    }
    for (int i = 0; i < reads.size(); i++) {
      assertArrayEquals(Arrays.copyOfRange(content, i * 1000, i * 1000 + 1500), get(reads.get(i)));
    }
  }

  @Test
  public void readOfAReplacedFileIsAConflict() throws Exception {
    LtxFile old = putFile(name(0, 1, 1), bytes(100));
    LtxFile replaced = putFile(name(0, 1, 1), bytes(101));
    assertNotEquals(old.version(), replaced.version());
    assertFails(ReplicaException.Conflict.class, client.read(old, 0, 10));
    assertFails(ReplicaException.Conflict.class, client.open(old));
    assertEquals(10, get(client.read(replaced, 0, 10)).length);
  }

  @Test
  public void aFileThatIsGoneIsNotFound() throws Exception {
    LtxFile file = putFile(name(0, 1, 1), bytes(100));
    get(client.delete(List.of(file.name())));
    assertFails(ReplicaException.NotFound.class, client.read(file, 0, 10));
    assertFails(ReplicaException.NotFound.class, client.open(file));
    assertFails(ReplicaException.NotFound.class, client.readTail(file.name(), 10));
  }

  @Test
  public void aFileThatNeverWasIsNotFound() throws Exception {
    assertFails(ReplicaException.NotFound.class, client.readTail(name(0, 7, 7), 10));
    assertFails(ReplicaException.NotFound.class, client.readTail(name(9, 1, 7), 10));
  }

  @Test
  public void readTailGivesTheEndAndTheListedFile() throws Exception {
    byte[] content = bytes(5000);
    LtxFile listed = putFile(name(0, 1, 1), content);
    ReplicaClient.Tail tail = get(client.readTail(name(0, 1, 1), 1000));
    assertArrayEquals(Arrays.copyOfRange(content, 4000, 5000), tail.bytes());
    assertEquals(listed.name(), tail.file().name());
    assertEquals(listed.size(), tail.file().size());
    assertEquals(listed.version(), tail.file().version());
    assertArrayEquals(Arrays.copyOfRange(content, 0, 100), get(client.read(tail.file(), 0, 100)));
  }

  @Test
  public void theTailOfAShorterFileIsAllOfIt() throws Exception {
    byte[] content = bytes(116);
    putFile(name(0, 1, 1), content);
    for (int length : new int[] {116, 117, 1 << 20}) {
      ReplicaClient.Tail tail = get(client.readTail(name(0, 1, 1), length));
      assertArrayEquals(content, tail.bytes());
      assertEquals(116, tail.file().size());
    }
  }

  @Test
  public void theTailOfAnEmptyFileIsEmpty() throws Exception {
    putFile(name(0, 1, 1), new byte[0]);
    ReplicaClient.Tail tail = get(client.readTail(name(0, 1, 1), 1000));
    assertEquals(0, tail.bytes().length);
    assertEquals(0, tail.file().size());
  }

  @Test
  public void aStreamGivesTheWholeFile() throws Exception {
    byte[] content = bytes(3_000_000);
    LtxFile file = putFile(name(0, 1, 1), content);
    try (InputStream in = get(client.open(file))) {
      assertArrayEquals(content, in.readAllBytes());
      assertEquals(-1, in.read());
    }
  }

  @Test
  public void aStreamOfAnEmptyFileIsEmpty() throws Exception {
    LtxFile file = putFile(name(0, 1, 1), new byte[0]);
    try (InputStream in = get(client.open(file))) {
      assertEquals(-1, in.read());
    }
  }

  @Test
  public void streamsClosedEarlyLeaveTheClientUsable() throws Exception {
    LtxFile file = putFile(name(0, 1, 1), bytes(3_000_000));
    for (int i = 0; i < 100; i++) {
      try (InputStream in = get(client.open(file))) {
        assertTrue(in.read() >= 0);
      }
    }
    assertEquals(100, get(client.read(file, 0, 100)).length);
  }

  /** Returns the file as it is listed after it was put. */
  protected final LtxFile putFile(LtxFileName name, byte[] content) throws Exception {
    put(layout().key("", name), content);
    return get(client.list(name.level(), name.range().min())).stream()
        .filter(file -> file.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Returns the client of this test. */
  protected final ReplicaClient client() {
    return client;
  }

  protected static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(SECONDS_MAX, SECONDS);
  }

  /** Waits for the failure and returns it; its message says where it happened. */
  protected final <F extends ReplicaException> F assertFails(
      Class<F> type, CompletableFuture<?> future) {
    ExecutionException e = assertThrows(ExecutionException.class, () -> get(future));
    F failure = assertInstanceOf(type, e.getCause(), () -> "failed with " + e.getCause());
    assertTrue(
        String.valueOf(failure.getMessage()).contains(client.location()), failure.getMessage());
    return failure;
  }

  protected static LtxFileName name(int level, long min, long max) {
    return new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max)));
  }

  static List<LtxFileName> namesOf(List<LtxFile> files) {
    return files.stream().map(LtxFile::name).toList();
  }

  protected static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }
}
