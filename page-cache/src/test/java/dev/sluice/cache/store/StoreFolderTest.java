package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Crc64;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who owns a folder, what is adopted, and what becomes of a store at its end. */
class StoreFolderTest {
  private static final int PAGE_SIZE = 512;
  private static final long TXID = 9;
  private static final long COMMIT = 60_000;
  private static final int CHUNK_PAGES = 16_384;

  @TempDir Path dir;

  private static byte[] page(long pgno) {
    byte[] page = new byte[PAGE_SIZE];
    new Random(pgno).nextBytes(page);
    return page;
  }

  private static PageStore.Spec spec() {
    return spec(StoreReaders.NONE, Long.MAX_VALUE);
  }

  private static PageStore.Spec spec(StoreReaders readers, long bytesMax) {
    return new PageStore.Spec("test", PAGE_SIZE, readers, bytesMax);
  }

  private Optional<StoreFolder> owned() throws IOException {
    return StoreFolder.own(dir, Optional.empty(), Duration.ZERO);
  }

  private LocalStore create() throws IOException {
    return owned().orElseThrow().create(spec(), TXID, COMMIT);
  }

  private LocalStore adopt() throws IOException {
    StoreFolder folder = owned().orElseThrow();
    return folder.adopt(
        folder.left(PAGE_SIZE).orElseThrow(), spec(), TXID, COMMIT, (pgno, bound) -> true);
  }

  private static boolean fill(LocalStore store, long pgno) {
    return store.pages().fill(pgno, page(pgno), 0, Proof.NONE, each -> TXID);
  }

  private static void requirePage(LocalStore store, long pgno) {
    byte[] dst = new byte[PAGE_SIZE];
    assertTrue(store.pages().read(pgno, TXID, dst), "page " + pgno);
    assertArrayEquals(page(pgno), dst, "page " + pgno);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** Gives places back as the kernel does: they read as zeros. */
  private static final class ZeroingReaders extends NoReaders {
    private Path pages = Path.of("");

    @Override
    public void attach(Path file, Path tags, int pageSize) {
      pages = file;
    }

    @Override
    public boolean punch(long offset, long bytes) {
      try (FileChannel file = FileChannel.open(pages, StandardOpenOption.WRITE)) {
        file.write(ByteBuffer.allocate((int) bytes), offset);
        return true;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void anInterruptedThreadBreaksNothing() throws IOException {
    LocalStore store = create();
    Thread.currentThread().interrupt();
    try {
      for (long pgno = 1; pgno <= 3 * CHUNK_PAGES; pgno += CHUNK_PAGES) {
        assertTrue(fill(store, pgno), "page " + pgno);
        requirePage(store, pgno);
      }
      assertTrue(Thread.currentThread().isInterrupted());
    } finally {
      Thread.interrupted();
    }
    assertTrue(fill(store, 3 * CHUNK_PAGES + 1));
    store.close();
    LocalStore again = adopt();
    for (long pgno = 1; pgno <= 3 * CHUNK_PAGES + 1; pgno += CHUNK_PAGES) {
      assertTrue(again.pages().recover(pgno, each -> TXID), "page " + pgno);
      requirePage(again, pgno);
    }
    again.close();
  }

  /** After a power cut one of the files may be longer than the other. */
  @ParameterizedTest
  @ValueSource(strings = {"tags", "sums"})
  void whatLiesBeyondTheShorterFileIsNotBelieved(String shorter) throws IOException {
    LocalStore store = create();
    assertTrue(fill(store, 1));
    assertTrue(fill(store, CHUNK_PAGES + 5));
    store.close();
    try (FileChannel file =
        FileChannel.open(dir.resolve("store-1").resolve(shorter), StandardOpenOption.WRITE)) {
      file.truncate(CHUNK_PAGES * 8L);
    }
    StoreFolder folder = owned().orElseThrow();
    LocalStore again =
        folder.adopt(
            folder.left(PAGE_SIZE).orElseThrow(), spec(), TXID, COMMIT, (pgno, bound) -> pgno == 1);
    assertTrue(fill(again, CHUNK_PAGES + 6), "the files grow");
    assertFalse(again.pages().contains(CHUNK_PAGES + 5), "it has changed meanwhile");
    assertFalse(again.pages().recover(CHUNK_PAGES + 5, each -> TXID), "it has changed meanwhile");
    assertTrue(again.pages().recover(1, each -> TXID));
    again.close();
  }

  @Test
  void aFolderOfTwoNamesIsOwnedOnce() throws IOException {
    Path real = Files.createDirectories(dir.resolve("real"));
    Path link = Files.createSymbolicLink(dir.resolve("link"), real);
    StoreFolder first = StoreFolder.own(real, Optional.empty(), Duration.ZERO).orElseThrow();
    assertTrue(StoreFolder.own(link, Optional.empty(), Duration.ZERO).isEmpty());
    assertTrue(StoreFolder.own(real, Optional.empty(), Duration.ZERO).isEmpty());
    first.close();
    StoreFolder.own(link, Optional.empty(), Duration.ZERO).orElseThrow().close();
  }

  @Test
  void aStoreThatHasEndedChangesNothingOfTheNextOne() throws IOException {
    ZeroingReaders readers = new ZeroingReaders();
    LocalStore old = owned().orElseThrow().create(spec(readers, Long.MAX_VALUE), TXID, COMMIT);
    assertTrue(fill(old, 1));
    assertTrue(old.pages().fill(2, page(2), 0, Proof.PENDING, each -> TXID));
    old.close();
    LocalStore next = adopt();
    assertTrue(next.pages().recover(1, each -> TXID));
    assertTrue(next.pages().fill(2, page(2), 0, Proof.PENDING, each -> TXID));
    old.pages().clear(1);
    old.pages().disprove(2);
    old.pages().prove(2);
    assertEquals(0, old.pages().evict(0));
    assertFalse(fill(old, 3));
    old.publish(TXID + 1, COMMIT);
    old.close();
    requirePage(next, 1);
    requirePage(next, 2);
    assertEquals(Proof.PENDING, next.pages().proof(2));
    next.close();
    try (StoreFolder folder = owned().orElseThrow()) {
      assertEquals(TXID, folder.left(PAGE_SIZE).orElseThrow().txid());
    }
  }

  @Test
  void whatHasEndedMeanwhilePublishesNothing() throws IOException {
    LocalStore store = create();
    store.pages().stop();
    store.close();
    store.publish(TXID + 1, COMMIT);
    store.discard();
    try (StoreFolder folder = owned().orElseThrow()) {
      assertEquals(TXID, folder.left(PAGE_SIZE).orElseThrow().txid());
    }
  }

  /** A place is 4 KiB. */
  @Test
  void pagesThatComeInARunTakeAPlaceTogether() throws IOException {
    int count = 20;
    byte[] src = new byte[count * PAGE_SIZE];
    long[] crcs = new long[count];
    for (int i = 0; i < count; i++) {
      System.arraycopy(page(i + 5), 0, src, i * PAGE_SIZE, PAGE_SIZE);
      crcs[i] = Crc64.of(page(i + 5));
    }
    LocalStore store = create();
    PageStore.Run run = new PageStore.Run(5, count, src, 0, crcs, 0);
    assertTrue(store.pages().fillRun(run, Proof.NONE, each -> TXID));
    assertEquals(3 * 4096, store.pages().usedBytes(), "pages 1 to 8, to 16 and to 24");
    assertTrue(fill(store, 2));
    assertTrue(fill(store, 25));
    assertEquals(4 * 4096, store.pages().usedBytes());
    requirePage(store, 24);
    store.close();
    LocalStore again = adopt();
    assertEquals(4 * 4096, again.pages().usedBytes());
    again.close();
  }

  @Test
  void olderStoresGo() throws IOException {
    create().close();
    Files.createDirectories(dir.resolve("store-7"));
    for (String name : List.of("pages", "tags", "sums", "control")) {
      Files.copy(dir.resolve("store-1").resolve(name), dir.resolve("store-7").resolve(name));
    }
    Files.createDirectories(dir.resolve("store-x"));
    adopt().close();
    assertEquals(List.of("owner", "store-7", "store-x"), names());
    create().close();
    assertEquals(List.of("owner", "store-8", "store-x"), names());
  }

  @Test
  void anEmptyStoreIsOfNoUse() throws IOException {
    Files.createDirectories(dir.resolve("store-3"));
    try (StoreFolder folder = owned().orElseThrow()) {
      assertTrue(folder.left(PAGE_SIZE).isEmpty());
    }
    create().close();
    assertEquals(List.of("owner", "store-4"), names());
  }

  @Test
  void aFileThatIsNoneOfOursIsLeftAlone() throws IOException {
    Path pages = Files.writeString(dir.resolve("app.db"), "a database", StandardCharsets.UTF_8);
    Path folder = dir.resolve("app.db-sluice");
    for (int i = 0; i < 2; i++) {
      try (StoreFolder owned =
          StoreFolder.own(folder, Optional.of(pages), Duration.ZERO).orElseThrow()) {
        assertTrue(owned.left(PAGE_SIZE).isEmpty());
        assertThrows(IOException.class, () -> owned.create(spec(), TXID, COMMIT));
      }
      assertEquals("a database", Files.readString(pages));
    }
    Files.delete(pages);
    for (int i = 0; i < 2; i++) {
      LocalStore store =
          StoreFolder.own(folder, Optional.of(pages), Duration.ZERO)
              .orElseThrow()
              .create(spec(), TXID, COMMIT);
      assertTrue(fill(store, 1));
      store.close();
      assertTrue(Files.exists(pages));
    }
  }

  /** Whatever the umask is. */
  @Test
  void pagesThatLieElsewhereAreForTheirOwnerAlone() throws IOException {
    Path pages = dir.resolve("app.db");
    Path folder = dir.resolve("app.db-sluice");
    StoreFolder owned = StoreFolder.own(folder, Optional.of(pages), Duration.ZERO).orElseThrow();
    owned.create(spec(), TXID, COMMIT).close();
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(pages)));
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
    Files.setPosixFilePermissions(pages, PosixFilePermissions.fromString("rw-r-----"));
    StoreFolder again = StoreFolder.own(folder, Optional.of(pages), Duration.ZERO).orElseThrow();
    StoreFolder.Left left = again.left(PAGE_SIZE).orElseThrow();
    again.adopt(left, spec(), TXID, COMMIT, (pgno, bound) -> true).close();
    assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(pages)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void adoptionThatIsCutShortIsDoneAgain(boolean isTrusted) throws IOException {
    LocalStore store = create();
    for (long pgno = 1; pgno <= 100; pgno++) {
      assertTrue(fill(store, pgno));
    }
    store.checkpoint(TXID, COMMIT);
    store.close();
    if (!isTrusted) {
      cutPower();
    }
    for (int round = 1; round < 10; round++) {
      int cut = round * 10;
      try (StoreFolder folder = owned().orElseThrow()) {
        StoreFolder.Left left = folder.left(PAGE_SIZE).orElseThrow();
        assertEquals(isTrusted, left.isTrusted());
        IllegalStateException killed =
            assertThrows(
                IllegalStateException.class,
                () ->
                    folder.adopt(
                        left, spec(), TXID + 1, COMMIT, (pgno, bound) -> staysUntil(cut, pgno)));
        assertEquals("killed", killed.getMessage());
      }
    }
    StoreFolder folder = owned().orElseThrow();
    LocalStore last =
        folder.adopt(
            folder.left(PAGE_SIZE).orElseThrow(),
            spec(),
            TXID + 1,
            COMMIT,
            (pgno, bound) -> pgno % 3 != 0);
    for (long pgno = 1; pgno <= 100; pgno++) {
      assertEquals(pgno % 3 != 0, last.pages().recover(pgno, each -> TXID), "page " + pgno);
    }
    last.close();
  }

  /**
   * Whoever decides later is told since when a page that nobody has checked meanwhile is as it is.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPageThatNobodyCheckedKeepsItsBound(boolean isTrusted) throws IOException {
    LocalStore store = create();
    for (long pgno = 1; pgno <= 9; pgno++) {
      long bound = pgno;
      assertTrue(store.pages().fill(pgno, page(pgno), 0, Proof.NONE, each -> bound));
    }
    store.checkpoint(TXID, COMMIT);
    store.close();
    if (!isTrusted) {
      cutPower();
    }
    for (int round = 0; round < 3; round++) {
      TreeMap<Long, Long> told = new TreeMap<>();
      try (StoreFolder folder = owned().orElseThrow()) {
        StoreFolder.Left left = folder.left(PAGE_SIZE).orElseThrow();
        LocalStore next =
            folder.adopt(
                left, spec(), TXID, COMMIT, (pgno, bound) -> told.put(pgno, bound) == null);
        assertFalse(next.pages().read(5, TXID, new byte[PAGE_SIZE]), "nobody has checked it");
        if (round == 1) {
          assertTrue(next.pages().recover(3, each -> 4));
        }
        next.close();
      }
      TreeMap<Long, Long> expected = new TreeMap<>();
      for (long pgno = 1; pgno <= 9; pgno++) {
        expected.put(pgno, isTrusted ? pgno : TXID); // a checkpoint does not say it
      }
      if (round == 2) {
        expected.put(3L, 4L);
      }
      assertEquals(expected, told, "round " + round);
    }
  }

  private static boolean staysUntil(long cut, long pgno) {
    if (pgno > cut) {
      throw new IllegalStateException("killed");
    }
    return pgno % 3 != 0;
  }

  @Test
  void aCheckpointOutlivesThePowerCutAfterAdoption() throws IOException {
    LocalStore store = create();
    for (long pgno = 1; pgno <= 10; pgno++) {
      assertTrue(fill(store, pgno));
    }
    store.checkpoint(TXID, COMMIT);
    assertTrue(fill(store, 11));
    store.close();
    for (int round = 0; round < 3; round++) {
      cutPower();
      LocalStore next = adopt();
      for (long pgno = 1; pgno <= 10; pgno++) {
        assertTrue(next.pages().recover(pgno, each -> TXID), "page " + pgno);
      }
      assertFalse(next.pages().recover(11, each -> TXID), "nothing says what it was");
      if (round == 1) {
        next.checkpoint(TXID, COMMIT);
      }
      next.close();
    }
  }

  /** Leaves a control that another run of the system wrote, without the mark. */
  private void cutPower() throws IOException {
    try (StoreControl control = new StoreControl(dir.resolve("store-1/control"))) {
      StoreControl.State state = control.read().orElseThrow();
      control.write(
          new StoreControl.State(
              state.pageSize(), state.txid(), state.commit(), false, Optional.of(new UUID(4, 2))));
    }
  }

  @Test
  void fillingRestsAfterAFailureAndGoesOnAMinuteLater() throws IOException {
    AtomicLong nanos = new AtomicLong();
    FailingReaders readers = new FailingReaders();
    PageStore.Spec spec =
        new PageStore.Spec("test", PAGE_SIZE, readers, Long.MAX_VALUE, nanos::get);
    LocalStore store = owned().orElseThrow().create(spec, TXID, COMMIT);
    assertTrue(fill(store, 1));
    readers.isFailing = true;
    assertTrue(fill(store, 2), "the chunk is there");
    fill(store, CHUNK_PAGES + 1);
    int asked = readers.asked;
    assertFalse(fill(store, 3), "it rests");
    fill(store, 2 * CHUNK_PAGES + 1);
    assertEquals(asked, readers.asked, "it rests");
    requirePage(store, 2);
    readers.isFailing = false;
    nanos.addAndGet(Duration.ofMinutes(1).toNanos());
    assertTrue(fill(store, 3));
    assertTrue(fill(store, 2 * CHUNK_PAGES + 1));
    assertEquals(3, readers.chunks);
    store.close();
  }

  /** No memory is left for mappings, sometimes. */
  private static final class FailingReaders extends NoReaders {
    private boolean isFailing;
    private int asked;
    private int chunks;

    @Override
    public void grow(int count) throws IOException {
      asked++;
      if (isFailing) {
        throw new IOException("no memory");
      }
      chunks = count;
    }
  }
}
