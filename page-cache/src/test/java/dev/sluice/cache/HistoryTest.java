package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.cache.store.StoreReaders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A page store that takes its time to open, and who wants something meanwhile. */
class HistoryTest {
  private static final int PAGES = 40;
  private static final long LONG_SECONDS = 20;

  @TempDir Path dir;

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch isOpening = new CountDownLatch(1);
  private final CountDownLatch mayOpen = new CountDownLatch(1);
  private final Replicas replicas = TestReplicas.replicas();
  private StoredHistory versions;
  private LocalStore store;
  private StoredPages stored;
  private History history;
  private CompletableFuture<Boolean> first;

  /** Begins to publish the first view; its store has all its pages and is not yet open. */
  @BeforeEach
  void publishFirst() throws Exception {
    versions = new StoredHistory(PAGES);
    StoredHistory.Version version = versions.newest();
    store =
        StoreFolder.temporary(
            dir, new PageStore.Spec("test", StoredHistory.PAGE_SIZE, StoreReaders.NONE, 1 << 20));
    for (int pgno = 1; pgno <= PAGES; pgno++) {
      assertTrue(store.pages().fill(pgno, version.page(pgno), 0, Proof.NONE, each -> 1));
    }
    stored =
        new StoredPages(
            StoredHistory.source(new FrameCache(1 << 20)), StoreReaders.NONE, this::openLate);
    Replica replica = replicas.acquire(TestReplicas.options(dir)); // for the listener, who is NONE
    history =
        new History(
            new Control(TestReplicas.MEMORY.map(Control.bytes())),
            stored,
            new Announcer(replica, ReplicaListener.NONE));
    first = CompletableFuture.supplyAsync(() -> history.publish(version.view()), threads);
    assertTrue(isOpening.await(LONG_SECONDS, TimeUnit.SECONDS));
  }

  private Optional<LocalStore> openLate(View view) {
    isOpening.countDown();
    try {
      mayOpen.await();
      return Optional.of(store);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  @AfterEach
  void close() throws Exception {
    mayOpen.countDown();
    first.get(LONG_SECONDS, TimeUnit.SECONDS);
    stored.close();
    replicas.close();
    threads.shutdown();
  }

  /** Returns what a call returns that does not wait for the store; fails if it does. */
  private <T> T soon(Supplier<T> call) throws Exception {
    return CompletableFuture.supplyAsync(call, threads).get(LONG_SECONDS, TimeUnit.SECONDS);
  }

  private StoredHistory.Version commit(long seed) {
    try {
      return versions.commit(new SplittableRandom(seed));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anotherViewIsPublishedMeanwhileAndTheStoreComesWhenItIsOpen() throws Exception {
    StoredHistory.Version second = commit(1);
    assertTrue(soon(() -> history.publish(second.view())));
    assertEquals(second.view(), history.latest().orElseThrow());
    assertTrue(stored.store().isEmpty());
    mayOpen.countDown();
    assertFalse(first.get(LONG_SECONDS, TimeUnit.SECONDS), "it is older");
    assertEquals(store, stored.store().orElseThrow());
    requireExact(second);
    StoredHistory.Version third = commit(2);
    assertTrue(soon(() -> history.publish(third.view())));
    assertEquals(store, stored.store().orElseThrow());
    requireExact(third);
  }

  private void requireExact(StoredHistory.Version version) {
    byte[] dst = new byte[StoredHistory.PAGE_SIZE];
    int found = 0;
    for (int pgno = 1; pgno <= PAGES; pgno++) {
      boolean isUnchanged = version.changed()[pgno] == 1;
      boolean isThere = store.pages().read(pgno, version.txid(), dst);
      assertEquals(isUnchanged, isThere, "page " + pgno);
      if (isThere) {
        assertArrayEquals(version.page(pgno), dst, "page " + pgno);
        found++;
      }
    }
    assertTrue(found > 0 && found < version.view().commit(), found + " pages");
  }

  @Test
  void whoHoldsAViewOrClosesDoesNotWait() throws Exception {
    View other = commit(1).view();
    Hold hold = soon(() -> history.hold(other));
    assertEquals(Set.of(other), soon(() -> history.live()));
    hold.close();
    soon(
        () -> {
          history.close();
          stored.close();
          return true;
        });
    mayOpen.countDown();
    assertFalse(first.get(LONG_SECONDS, TimeUnit.SECONDS), "it is closed");
    assertTrue(stored.store().isEmpty());
  }

  @Test
  void theEndOfTheHistoryDoesNotWait() throws Exception {
    assertTrue(soon(() -> history.end(() -> new ViewException.Replaced("another"))));
    mayOpen.countDown();
    assertFalse(first.get(LONG_SECONDS, TimeUnit.SECONDS), "it has ended");
    assertTrue(stored.store().isEmpty());
  }
}
