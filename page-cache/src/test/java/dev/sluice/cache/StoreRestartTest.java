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
class StoreRestartTest extends ReopenedByHand {

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
