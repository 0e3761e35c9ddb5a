package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.cache.store.StoreReaders;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.history.MemoryReplica;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What of a page store is still right when a replica is opened again: no page is asked for that is,
 * and no page is believed that is not.
 */
class StoreRestartTest extends FollowedByHand {

  /** Before the name of a file of which this JVM has the lock. */
  private static final String OWNER = "dev.sluice.owner:";

  /** Opens the replica, requires its pages, and returns how many of them were asked for. */
  private long read(int... seeds) throws IOException {
    Replica replica = open();
    try {
      long before = replica.requests().gets();
      assertPages(replica, latest(replica), seeds);
      long asked = replica.requests().gets() - before;
      before = replica.requests().gets();
      assertPages(replica, latest(replica), seeds);
      assertEquals(before, replica.requests().gets(), "what was read is there");
      return asked;
    } finally {
      replicas.release(replica);
    }
  }

  private Path folder() {
    return side.resolve(StoreName.of(options().url()));
  }

  private List<String> stores() throws IOException {
    try (Stream<Path> files = Files.list(folder())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("store-"))
          .toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      files.forEach(
          file -> {
            try {
              Files.copy(file, to.resolve(from.relativize(file).toString()));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  @Test
  void whatIsThereIsNotAskedForAgain() throws IOException {
    write(0, 1, 1, 4, "1=1 2=1 3=1 4=1");
    assertEquals(4, read(1, 1, 1, 1));
    for (int i = 0; i < 3; i++) {
      assertEquals(0, read(1, 1, 1, 1));
    }
    assertEquals(List.of("store-1"), stores());
  }

  @Test
  void aPageThatOneTransactionChangedIsAskedFor() throws IOException {
    write(0, 1, 1, 4, "1=1 2=1 3=1 4=1");
    read(1, 1, 1, 1);
    write(0, 2, 2, 4, "2=2");
    assertEquals(1, read(1, 2, 1, 1));
    assertEquals(0, read(1, 2, 1, 1));
  }

  @Test
  void manyTransactionsThatWereCompactedAreSeen() throws IOException {
    write(9, 1, 1, 5, "1=1 2=1 3=1 4=1 5=1");
    write(0, 2, 2, 5, "5=2");
    assertEquals(5, read(1, 1, 1, 1, 2));
    write(0, 3, 3, 5, "1=3");
    write(0, 4, 4, 5, "1=4 3=4");
    write(1, 3, 4, 5, "1=4 3=4");
    delete(0, 3, 3);
    delete(0, 4, 4);
    assertEquals(2, read(4, 1, 4, 1, 2), "the file begins where the store ended");
    write(0, 5, 5, 5, "2=5");
    write(1, 2, 5, 5, "1=4 2=5 3=4 5=2");
    delete(0, 2, 2);
    delete(1, 3, 4);
    delete(0, 5, 5);
    assertEquals(4, read(4, 5, 4, 1, 2), "the file says of page 2 no less than of the others");
  }

  @Test
  void aDatabaseThatShrankAndGrewIsSeen() throws IOException {
    write(0, 1, 1, 5, "1=1 2=1 3=1 4=1 5=1");
    assertEquals(5, read(1, 1, 1, 1, 1));
    write(0, 2, 2, 2, "1=2");
    write(0, 3, 3, 4, "3=3 4=3");
    assertEquals(3, read(2, 1, 3, 3));
    write(0, 4, 4, 2, "");
    assertEquals(0, read(2, 1));
    write(0, 5, 5, 5, "3=5 4=5 5=5");
    assertEquals(3, read(2, 1, 5, 5, 5));
  }

  @Test
  void whereFilesBetweenAreGoneOnlyTheMapCounts() throws IOException {
    write(0, 1, 1, 4, "1=1 2=1 3=1 4=1");
    read(1, 1, 1, 1);
    write(0, 2, 2, 4, "2=2");
    write(9, 1, 3, 4, "1=1 2=3 3=1 4=1");
    write(0, 4, 4, 4, "4=4");
    delete(0, 2, 2);
    assertEquals(4, read(1, 3, 1, 4), "a snapshot says that all has changed");
    assertEquals(0, read(1, 3, 1, 4));
  }

  @Test
  void anotherReplicaInThePlaceIsSeen() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    read(1, 2, 1);
    delete(0, 1, 1);
    delete(0, 2, 2);
    write(0, 1, 1, 3, "1=7 2=7 3=7");
    write(0, 2, 2, 3, "2=8");
    assertEquals(3, read(7, 8, 7), "the same TXIDs");
    assertEquals(0, read(7, 8, 7));
    for (long txid = 1; txid <= 2; txid++) {
      delete(0, txid, txid);
    }
    write(9, 1, 5, 3, "1=9 2=9 3=9");
    assertEquals(3, read(9, 9, 9), "higher TXIDs, none of the files known");
    write(9, 1, 6, 3, "1=10 2=10 3=10");
    delete(9, 1, 5);
    assertEquals(3, read(10, 10, 10));
  }

  @Test
  void aReplicaThatWentOnOtherwiseIsSeen() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    write(0, 3, 3, 3, "3=3");
    read(1, 2, 3);
    delete(0, 2, 2);
    delete(0, 3, 3);
    assertEquals(2, read(1, 1, 1), "it went back");
    write(0, 2, 2, 3, "3=12");
    assertEquals(1, read(1, 1, 12));
    delete(0, 2, 2);
    write(0, 2, 2, 3, "1=22");
    write(0, 3, 3, 3, "2=23");
    assertEquals(3, read(22, 23, 1), "a file that was known is another");
  }

  /** Page 1 changes with each transaction; pages 5 and 6 are of the snapshot in both branches. */
  private void writeSnapshotAndBranch() throws IOException {
    write(9, 1, 10, 6, "1=1 2=1 3=1 4=1 5=1 6=1");
    write(0, 11, 11, 6, "1=11 2=11");
    write(0, 12, 12, 6, "1=12 3=12");
    write(0, 13, 13, 6, "1=13 4=13");
    assertEquals(6, read(13, 11, 12, 13, 1, 1));
  }

  private void deleteBranch() throws IOException {
    for (long txid = 11; txid <= 13; txid++) {
      delete(0, txid, txid);
    }
  }

  @Test
  void aReplicaThatWasSetBackAndWentOnPastTheStoreIsSeen() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(1, 11, 15, 6, "1=115 2=112");
    assertEquals(4, read(115, 112, 1, 1, 1, 1), "pages 3 and 4 are as before the branch again");
    assertEquals(0, read(115, 112, 1, 1, 1, 1));
    write(0, 16, 16, 6, "1=116 6=116");
    assertEquals(2, read(116, 112, 1, 1, 1, 116));
  }

  @Test
  void aReplicaThatWasSetBackAndCameToTheSameTxidIsSeen() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(1, 11, 12, 6, "1=112 5=112");
    write(1, 13, 13, 6, "1=113");
    assertEquals(5, read(113, 1, 1, 1, 112, 1));
    assertEquals(0, read(113, 1, 1, 1, 112, 1));
  }

  @Test
  void aBranchThatNobodyHasCheckedIsSeenAtTheNextRestart() throws IOException {
    writeSnapshotAndBranch();
    replicas.release(open()); // nobody reads: every page waits to be checked
    awaitClosed();
    deleteBranch();
    write(1, 11, 15, 6, "1=115 2=112");
    assertEquals(4, read(115, 112, 1, 1, 1, 1));
  }

  /** The newest of level 0 are gone after a while: what they changed comes again, not the rest. */
  @Test
  void whatWasCompactedMeanwhileDoesNotMakeOthersCome() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(1, 11, 13, 6, "1=13 2=11 3=12 4=13");
    write(1, 14, 15, 6, "1=15");
    assertEquals(4, read(15, 11, 12, 13, 1, 1));
    assertEquals(0, read(15, 11, 12, 13, 1, 1));
  }

  @Test
  void aCompactedFileThatWasSeenProvesWhatItHolds() throws IOException {
    writeSnapshotAndBranch();
    Replica replica = open();
    write(1, 11, 12, 6, "1=12 2=11 3=12");
    lookAtAll(replica);
    lookAtAll(replica);
    replicas.release(replica);
    deleteBranch();
    write(1, 13, 15, 6, "1=15 4=13");
    assertEquals(2, read(15, 11, 12, 13, 1, 1));
  }

  /** A listing may lag behind; a compaction may be under way. */
  @Test
  void aListingThatLagsBehindTheStoreCostsWhatCameSince() throws IOException {
    writeSnapshotAndBranch();
    Path newest = TestReplicas.file(dir, 0, 13, 13);
    Path hidden = Files.move(newest, side.resolve("hidden"));
    assertEquals(2, read(12, 11, 12, 1, 1, 1));
    assertEquals(0, read(12, 11, 12, 1, 1, 1));
    Files.move(hidden, newest);
    assertEquals(2, read(13, 11, 12, 13, 1, 1));
    Files.move(newest, hidden);
    Replica replica = open();
    assertPages(replica, latest(replica), 12, 11, 12, 1, 1, 1);
    Files.move(hidden, newest);
    lookAtAll(replica);
    assertPages(replica, latest(replica), 13, 11, 12, 13, 1, 1);
    replicas.release(replica);
    assertEquals(0, read(13, 11, 12, 13, 1, 1));
    assertEquals(List.of("store-1"), stores());
  }

  @Test
  void aReplicaThatIsShorterAndAnotherIsSeen() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(0, 11, 11, 6, "1=111 2=111");
    assertEquals(6, read(111, 111, 1, 1, 1, 1), "a file that was known is another");
    assertEquals(List.of("store-2"), stores());
  }

  @Test
  void anotherPageSizeIsSeen() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    read(1, 1, 1);
    write(1024, 0, 2, 2, 2, "1=2 2=2");
    assertEquals(2, read(2, 2));
    assertEquals(0, read(2, 2));
    assertEquals(List.of("store-2"), stores());
  }

  @Test
  void theFolderOfAnotherReplicaIsOfNoUse() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    read(1, 1, 1);
    Path other = Files.createDirectories(side.resolve("other"));
    TestReplicas.write(
        other,
        0,
        TestReplicas.header(PAGE_SIZE, 3, 1, 1),
        new TreeMap<>(
            Map.of(
                1L, page(PAGE_SIZE, 1, 5), 2L, page(PAGE_SIZE, 2, 5), 3L, page(PAGE_SIZE, 3, 5))));
    ReplicaUrl url = ReplicaUrl.ofDirectory(other.toString());
    awaitClosed();
    copy(folder(), side.resolve(StoreName.of(url)));
    Replica replica = replicas.acquire(TestReplicas.options(other).withCacheDirectory(side));
    assertPages(replica, replica.latest(), 5, 5, 5);
    replicas.release(replica);
  }

  /** Waits until who was released has let go of the folder. */
  private void awaitClosed() {
    TestReplicas.await(() -> System.getProperty(OWNER + folder() + "/owner") == null);
  }

  @Test
  void aStoreWithoutItsLineageIsOfNoUse() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    read(1, 1, 1);
    awaitClosed();
    Files.writeString(folder().resolve("store-1/lineage"), "?", StandardCharsets.UTF_8);
    assertEquals(3, read(1, 1, 1));
    assertEquals(0, read(1, 1, 1));
    assertEquals(List.of("store-2"), stores());
  }

  @Test
  void aLineageThatCannotBeWrittenChangesNothing() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    read(1, 1, 1);
    awaitClosed();
    Files.createDirectories(folder().resolve("store-1/lineage.tmp"));
    assertEquals(0, read(1, 1, 1), "the old one counts");
    write(0, 2, 2, 3, "2=2");
    assertEquals(1, read(1, 2, 1));
  }

  @Test
  void aDamagedPageComesFromTheReplicaAgain() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    read(1, 1, 1);
    awaitClosed();
    Path pages = folder().resolve("store-1/pages");
    byte[] bytes = Files.readAllBytes(pages);
    bytes[PAGE_SIZE + 7] ^= 4;
    Files.write(pages, bytes);
    assertEquals(1, read(1, 1, 1));
    assertEquals(0, read(1, 1, 1));
  }

  @Test
  void aCacheDirectoryThatCannotBeOneChangesNothing() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Path file = Files.writeString(side.resolve("file"), "", StandardCharsets.UTF_8);
    Replica replica = replicas.acquire(options().withCacheDirectory(file));
    assertPages(replica, replica.latest(), 1, 1, 1);
    replicas.release(replica);
  }

  @Test
  void aFolderThatIsOwnedGivesATemporaryStore() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica first = open();
    try (Replicas others = TestReplicas.replicas()) {
      Replica second = others.acquire(options());
      View view = second.latest();
      assertPages(second, view, 1, 1, 1);
      long before = second.requests().gets();
      assertPages(second, view, 1, 1, 1);
      assertEquals(before, second.requests().gets());
      try (Stream<Path> files = Files.list(side)) {
        assertEquals(List.of(folder()), files.toList());
      }
    }
    assertPages(first, latest(first), 1, 1, 1);
    replicas.release(first);
    assertEquals(0, read(1, 1, 1));
  }

  @Test
  void whatIsReopenedAtOnceOwnsItsFolder() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    read(1, 1, 1);
    for (int i = 0; i < 100; i++) {
      assertEquals(0, read(1, 1, 1), "time " + i);
    }
    assertEquals(List.of("store-1"), stores());
  }

  private static StoredPages stored(StoredPages.Opener opener) {
    return stored(StoreReaders.NONE, opener);
  }

  private static StoredPages stored(StoreReaders readers, StoredPages.Opener opener) {
    Source source =
        new Source(
            new MemoryReplica("memory:stored").open(),
            new RequestMeter(),
            new FileTable(),
            new FrameCache(1),
            new Fingerprints());
    return new StoredPages(source, readers, opener);
  }

  /** Has a store be opened for a view, and something happen before it is known. */
  private Path opened(Consumer<StoredPages> meanwhile) throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    View view = latest(replica);
    Path folder = side.resolve("late");
    List<StoredPages> late = new ArrayList<>();
    StoredPages stored =
        stored(
            first -> {
              PageStore.Spec spec =
                  new PageStore.Spec("late", PAGE_SIZE, StoreReaders.NONE, Long.MAX_VALUE);
              LocalStore store =
                  StoreFolder.own(folder, Optional.empty(), Duration.ZERO)
                      .orElseThrow()
                      .create(spec, 1, 3);
              meanwhile.accept(late.get(0));
              return Optional.of(store);
            });
    late.add(stored);
    stored.open(view);
    stored.prepare(view);
    assertTrue(stored.store().isEmpty());
    replicas.release(replica);
    return folder;
  }

  private static boolean isLeft(Path folder) throws IOException {
    try (StoreFolder owned =
        StoreFolder.own(folder, Optional.empty(), Duration.ZERO).orElseThrow()) {
      return owned.left(PAGE_SIZE).isPresent();
    }
  }

  @Test
  void whatIsOpenedWhileTheReplicaIsClosedIsLeft() throws IOException {
    assertTrue(isLeft(opened(StoredPages::close)));
  }

  @Test
  void whatIsOpenedWhileTheReplicaEndsGoes() throws IOException {
    assertFalse(isLeft(opened(StoredPages::discard)));
  }

  @Test
  void whoComesWhileAStoreIsDiscardedMayWaitForIt() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    Path folder = side.resolve("folder");
    AtomicReference<String> said = new AtomicReference<>("");
    StoreReaders readers =
        (StoreReaders)
            Proxy.newProxyInstance(
                StoreReaders.class.getClassLoader(),
                new Class<?>[] {StoreReaders.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("disable")) {
                    said.set(System.getProperty(OWNER + folder.resolve("owner"), "nobody's"));
                  }
                  return method.invoke(StoreReaders.NONE, arguments);
                });
    PageStore.Spec spec = new PageStore.Spec("folder", PAGE_SIZE, readers, Long.MAX_VALUE);
    StoredPages stored =
        stored(
            readers,
            first ->
                Optional.of(
                    StoreFolder.own(folder, Optional.empty(), Duration.ZERO)
                        .orElseThrow()
                        .create(spec, 1, 3)));
    stored.open(latest(replica));
    stored.prepare(latest(replica));
    stored.discard();
    assertEquals("leaving", said.get());
    assertFalse(isLeft(folder));
    replicas.release(replica);
  }

  @Test
  void whoOpensAnewAfterAnotherTookThePlaceOwnsTheFolder() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica first = open();
    assertPages(first, latest(first), 1, 1, 1);
    delete(0, 1, 1);
    write(0, 1, 1, 3, "1=7 2=7 3=7");
    lookAtAll(first);
    Replica second = open();
    assertPages(second, latest(second), 7, 7, 7);
    assertTrue(second.store().flatMap(LocalStore::file).isPresent());
    replicas.release(first);
    replicas.release(second);
    assertEquals(0, read(7, 7, 7));
  }

  @Test
  void whoReadsAnotherViewBesideTheFirstOpeningIsNotHindered() throws Exception {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    View view = latest(replica);
    PageStore.Spec spec = new PageStore.Spec("first", PAGE_SIZE, StoreReaders.NONE, Long.MAX_VALUE);
    Optional<LocalStore> store = Optional.of(StoreFolder.temporary(side, spec));
    byte[] page = page(PAGE_SIZE, 4, 4);
    AtomicReference<StoredPages> current = new AtomicReference<>();
    AtomicBoolean isDone = new AtomicBoolean();
    CompletableFuture<Void> reader =
        CompletableFuture.runAsync(
            () -> {
              while (!isDone.get()) {
                StoredPages stored = current.get();
                if (stored != null) {
                  stored.fill(view, view.commit() + 1, page); // is refused
                }
              }
            });
    for (int i = 0; i < 300_000 && !reader.isDone(); i++) {
      StoredPages stored = stored(first -> store);
      current.set(stored);
      stored.open(view);
      stored.prepare(view);
    }
    isDone.set(true);
    reader.get();
    store.get().close();
    replicas.release(replica);
  }
}
