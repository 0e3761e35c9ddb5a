package dev.sluice.storage;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a directory can do to a client that an object storage cannot. */
class FileReplicaClientDirectoryTest {
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  private static final Instant TIMESTAMP = Instant.parse("2026-11-20T10:00:00.123Z");

  @TempDir private Path temporary;
  private Path root = Path.of("");
  private ReplicaClient client;

  @BeforeEach
  void open() {
    root = temporary.resolve("replica");
    client = ReplicaClients.open(ReplicaUrl.ofDirectory(root.toString()), name -> Optional.empty());
  }

  @AfterEach
  void close() {
    client.close();
  }

  @Test
  void theLayoutOfAnObjectStorageIsRecognised() throws Exception {
    put(Layout.OBJECT_STORE.key("", NAME), bytes(100));
    LtxFile file = only(list(0));
    assertEquals(100, get(client.read(file, 0, 100)).length);
    get(
        client.createIfAbsent(
            new LtxFileName(9, NAME.range()), temporaryFile(bytes(5)), TIMESTAMP));
    assertTrue(Files.exists(root.resolve("0009/0000000000000001-0000000000000001.ltx")));
  }

  @Test
  void theLayoutOfADirectoryComesFirst() throws Exception {
    put(Layout.OBJECT_STORE.key("", NAME), bytes(100));
    put(Layout.DIRECTORY.key("", NAME), bytes(50));
    assertEquals(50, only(list(0)).size());
  }

  @Test
  void theLtxFolderItselfIsTheReplicaItBelongsTo() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(50));
    ReplicaUrl tooDeep = ReplicaUrl.ofDirectory(root.resolve("ltx").toString());
    try (ReplicaClient other = ReplicaClients.open(tooDeep, name -> Optional.empty())) {
      LtxFile file = only(get(other.list(0, Txid.FIRST)));
      assertEquals(50, get(other.read(file, 0, 50)).length);
      assertEquals(client.location(NAME), other.location(NAME));
      LtxFileName snapshot = new LtxFileName(9, NAME.range());
      get(other.createIfAbsent(snapshot, temporaryFile(bytes(5)), TIMESTAMP));
      assertEquals(1, list(9).size());
    }
  }

  @Test
  void theLocationOfARelativePathSaysWhereItLedTo() {
    try (ReplicaClient relative =
        ReplicaClients.open(ReplicaUrl.parse("file:no/such/place"), name -> Optional.empty())) {
      assertEquals("file://" + Path.of("no/such/place").toAbsolutePath(), relative.location());
    }
  }

  @Test
  void aSymbolicLinkThatLeadsNowhereEndsTheListingAtOnce() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(50));
    Path loop = root.resolve("ltx/0/0000000000000002-0000000000000002.ltx");
    Files.createSymbolicLink(loop, loop.getFileName());
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> get(client.list(0, Txid.FIRST)));
    ReplicaException.Denied denied = assertInstanceOf(ReplicaException.Denied.class, e.getCause());
    assertTrue(
        String.valueOf(denied.getMessage()).contains("0000000000000002-0000000000000002.ltx"),
        denied.getMessage());
  }

  @Test
  void aFolderThatCannotBeReadToItsEndIsUnavailable() {
    FileTasks tasks = new FileTasks("here");
    IOException cause = new IOException("Input/output error");
    ExecutionException e =
        assertThrows(
            ExecutionException.class,
            () ->
                get(
                    tasks.submit(
                        "list it",
                        () -> {
                          throw new DirectoryIteratorException(cause);
                        })));
    ReplicaException.Unavailable unavailable =
        assertInstanceOf(ReplicaException.Unavailable.class, e.getCause());
    assertTrue(
        String.valueOf(unavailable.getMessage()).contains("Input/output error"),
        unavailable.getMessage());
    tasks.close();
  }

  @Test
  void symbolicLinksAreFollowed() throws Exception {
    Path elsewhere = temporary.resolve("elsewhere/ltx/0");
    Files.createDirectories(elsewhere);
    Path target = Files.write(temporary.resolve("target"), bytes(77));
    Files.createSymbolicLink(elsewhere.resolve(Layout.fileName(NAME.range())), target);
    Files.createSymbolicLink(
        elsewhere.resolve("0000000000000002-0000000000000002.ltx"), Path.of("dangling"));
    Files.createSymbolicLink(root, temporary.resolve("elsewhere"));
    LtxFile file = only(list(0));
    assertEquals(77, file.size());
    assertArrayEquals(bytes(77), get(client.read(file, 0, 77)));
  }

  @Test
  void aFolderWithTheNameOfAFileIsNoFile() throws Exception {
    Files.createDirectories(path());
    assertEquals(List.of(), list(0));
    fails(ReplicaException.NotFound.class, client.readTail(NAME, 10));
  }

  @Test
  void aFileInThePlaceOfAFolderIsDenied() throws Exception {
    put("ltx/0", bytes(1));
    fails(ReplicaException.Denied.class, client.list(0, Txid.FIRST));
  }

  @Test
  void whatMayNotBeReadIsDenied() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(100));
    LtxFile file = only(list(0));
    forbid(path());
    fails(ReplicaException.Denied.class, client.read(file, 0, 10));
    fails(ReplicaException.Denied.class, client.open(file));
    fails(ReplicaException.Denied.class, client.readTail(NAME, 10));
    forbid(Objects.requireNonNull(path().getParent()));
    fails(ReplicaException.Denied.class, client.list(0, Txid.FIRST));
    fails(
        ReplicaException.Denied.class,
        client.createIfAbsent(
            new LtxFileName(0, new TxidRange(Txid.MAX, Txid.MAX)),
            temporaryFile(bytes(1)),
            TIMESTAMP));
    fails(ReplicaException.Denied.class, client.delete(List.of(NAME)));
    Files.setPosixFilePermissions(
        Objects.requireNonNull(path().getParent()), PosixFilePermissions.fromString("rwx------"));
  }

  /** Permissions do not bind root. */
  private static void forbid(Path path) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(path));
  }

  @Test
  void aFileOfTheSameSizeAndTimeButAnotherInodeIsAConflict() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(100));
    LtxFile file = only(list(0));
    FileTime time = Files.getLastModifiedTime(path());
    Path other = Files.write(temporary.resolve("other"), new byte[100]);
    Files.setLastModifiedTime(other, time);
    Files.move(other, path(), StandardCopyOption.ATOMIC_MOVE);
    fails(ReplicaException.Conflict.class, client.read(file, 0, 100));
  }

  @Test
  void aHardLinkMadeByABackupChangesNothing() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(100));
    LtxFile file = only(list(0));
    Files.createLink(temporary.resolve("backup"), path());
    assertEquals(100, get(client.read(file, 0, 100)).length);
  }

  @Test
  void aStreamOfAFileThatIsCutShortFails() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(100_000));
    try (InputStream in = get(client.open(only(list(0))))) {
      assertEquals(1000, in.readNBytes(1000).length);
      try (RandomAccessFile file = new RandomAccessFile(path().toFile(), "rw")) {
        file.setLength(5000);
      }
      assertThrows(ReplicaException.Unavailable.class, in::readAllBytes);
    }
  }

  @Test
  void aStreamOfAFileThatIsRewrittenInPlaceFails() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(1000));
    Files.setLastModifiedTime(path(), FileTime.from(TIMESTAMP));
    try (InputStream in = get(client.open(only(list(0))))) {
      assertEquals(500, in.readNBytes(500).length);
      try (RandomAccessFile file = new RandomAccessFile(path().toFile(), "rw")) {
        file.write(new byte[1000]);
      }
      assertThrows(ReplicaException.Conflict.class, in::readAllBytes);
    }
  }

  @Test
  void aStreamOutlivesTheNameOfItsFile() throws Exception {
    byte[] content = bytes(100_000);
    put(Layout.DIRECTORY.key("", NAME), content);
    try (InputStream deleted = get(client.open(only(list(0))))) {
      Files.delete(path());
      put(Layout.DIRECTORY.key("", NAME), bytes(7));
      try (InputStream replaced = get(client.open(only(list(0))))) {
        Path other = Files.write(temporary.resolve("other"), bytes(8));
        Files.move(other, path(), StandardCopyOption.ATOMIC_MOVE);
        assertArrayEquals(bytes(7), replaced.readAllBytes());
      }
      assertArrayEquals(content, deleted.readAllBytes());
    }
  }

  @Test
  void anInterruptedReaderKeepsItsStream() throws Exception {
    put(Layout.DIRECTORY.key("", NAME), bytes(1000));
    try (InputStream in = get(client.open(only(list(0))))) {
      Thread.currentThread().interrupt();
      assertEquals(1000, in.readAllBytes().length);
    } finally {
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void aStoredFileHasItsTimestampAndLeavesNothingBesideIt() throws Exception {
    LtxFile created = get(client.createIfAbsent(NAME, temporaryFile(bytes(100)), TIMESTAMP));
    fails(
        ReplicaException.Conflict.class,
        client.createIfAbsent(NAME, temporaryFile(bytes(5)), TIMESTAMP));
    assertEquals(TIMESTAMP, created.created());
    assertEquals(TIMESTAMP, Files.getLastModifiedTime(path()).toInstant());
    assertEquals(created, only(list(0)));
    try (Stream<Path> folder = Files.list(Objects.requireNonNull(path().getParent()))) {
      assertEquals(List.of(path()), folder.toList());
    }
  }

  @Test
  void aLocalFileThatCannotBeReadIsDeniedNotNotFound() throws Exception {
    fails(
        ReplicaException.Denied.class,
        client.createIfAbsent(NAME, temporary.resolve("missing"), TIMESTAMP));
    assertEquals(List.of(), list(0));
  }

  @Test
  void aHundredReplicasNeedNoThreadEachAndIdleThreadsEnd() throws Exception {
    for (int i = 0; i < 100; i++) {
      try (FileReplicaClient other = new FileReplicaClient(root, "file:" + i)) {
        assertEquals(List.of(), get(other.list(0, Txid.FIRST)));
      }
    }
    List<Thread> threads =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals("sluice-directory"))
            .toList();
    assertTrue(threads.size() <= 40, () -> threads.size() + " threads");
    for (Thread thread : threads) {
      assertTrue(thread.isDaemon());
      thread.join(20_000);
      assertTrue(!thread.isAlive());
    }
  }

  private List<LtxFile> list(int level) throws Exception {
    return get(client.list(level, Txid.FIRST));
  }

  private static LtxFile only(List<LtxFile> files) {
    assertEquals(1, files.size());
    return files.get(0);
  }

  private Path path() {
    return root.resolve(Layout.DIRECTORY.key("", NAME));
  }

  private void put(String key, byte[] content) throws IOException {
    Path path = root.resolve(key);
    Files.createDirectories(Objects.requireNonNull(path.getParent()));
    Files.write(path, content);
  }

  private Path temporaryFile(byte[] content) throws IOException {
    return Files.write(Files.createTempFile(temporary, "content", ""), content);
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, SECONDS);
  }

  private static <F extends ReplicaException> void fails(
      Class<F> type, CompletableFuture<?> future) {
    assertInstanceOf(type, assertThrows(ExecutionException.class, () -> get(future)).getCause());
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }
}
