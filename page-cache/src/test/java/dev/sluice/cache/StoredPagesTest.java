package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.cache.store.StoreReaders;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredPagesTest {
  private static final int PAGES = 6;

  @TempDir Path dir;

  private LocalStore store() throws IOException {
    return StoreFolder.temporary(
        dir, new PageStore.Spec("test", StoredHistory.PAGE_SIZE, StoreReaders.NONE, 1 << 20));
  }

  /**
   * A view that was opened by its TXID may be read before it is published: what it changed is still
   * there as it was until the publication has come past it.
   */
  @Test
  void aViewThatIsJustBeingPublishedIsNotReadFromWhatWasBefore() throws Exception {
    StoredHistory history = new StoredHistory(PAGES);
    LocalStore store = store();
    try (StoredPages stored =
        new StoredPages(
            StoredHistory.source(new FrameCache(1 << 20)),
            StoreReaders.NONE,
            first -> Optional.of(store))) {
      StoredHistory.Version before = history.newest();
      stored.open(before.view());
      stored.prepare(before.view());
      for (int pgno = 1; pgno <= PAGES; pgno++) {
        stored.fill(before.view(), pgno, before.page(pgno));
        assertTrue(store.pages().contains(pgno));
      }
      StoredHistory.Version incoming = history.commit(new SplittableRandom(1));
      View opened = history.opened(incoming);
      Thread publishing = new Thread(() -> stored.prepare(incoming.view()));
      store
          .pages()
          .fill(
              PAGES + 1, // in the extent of the others, so that these cannot be cleared meanwhile
              before.page(1),
              0,
              Proof.NONE,
              pgno -> {
                publishing.start();
                while (publishing.getState() != Thread.State.BLOCKED && publishing.isAlive()) {
                  Thread.onSpinWait();
                }
                requireExact(stored, incoming, opened);
                return 0;
              });
      publishing.join();
      requireExact(stored, incoming, opened);
      for (int pgno = 1; pgno <= incoming.view().commit(); pgno++) {
        boolean isSame = incoming.changed()[pgno] == 1;
        assertTrue(isSame == store.pages().contains(pgno), "page " + pgno);
      }
    }
  }

  private static void requireExact(StoredPages stored, StoredHistory.Version version, View view) {
    byte[] dst = new byte[StoredHistory.PAGE_SIZE];
    for (int pgno = 1; pgno <= view.commit(); pgno++) {
      if (stored.read(view, pgno, dst)) {
        assertArrayEquals(version.page(pgno), dst, "page " + pgno + " of " + view);
      }
    }
  }

  @Test
  void whatHasChangedStaysInTheCacheForThoseWhoReadOn() throws IOException {
    StoredHistory history = new StoredHistory(PAGES);
    FrameCache cache = new FrameCache(1 << 20);
    LocalStore store = store();
    try (StoredPages stored =
        new StoredPages(
            StoredHistory.source(cache), StoreReaders.NONE, first -> Optional.of(store))) {
      StoredHistory.Version before = history.newest();
      stored.open(before.view());
      stored.prepare(before.view());
      stored.fill(before.view(), 1, before.page(1));
      StoredHistory.Version incoming = history.commit(new SplittableRandom(1));
      while (incoming.changed()[1] == 1) {
        incoming = history.commit(new SplittableRandom(incoming.txid()));
      }
      PageMap.Frame frame = before.view().pages().frame(1);
      FrameCache.Key key = FrameCache.frameKey(frame.file(), frame.offset());
      assertFalse(cache.find(key).isPresent());
      stored.prepare(incoming.view());
      assertFalse(store.pages().contains(1));
      assertArrayEquals(before.page(1), cache.find(key).orElseThrow());
    }
  }
}
