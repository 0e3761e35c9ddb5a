package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that may not take more than so many places, and a disk that gives them back or not. */
class RoomTest {
  private static final int PAGE_SIZE = 4096;
  private static final int EXTENT_PAGES = 16;
  private static final long PAGES_MAX = 4 * EXTENT_PAGES;
  private static final byte[] PAGE = new byte[PAGE_SIZE];

  @TempDir Path dir;
  private final AtomicLong nanos = new AtomicLong();
  private final Disk disk = new Disk();

  /** Refuses to take places back, sometimes. */
  private static final class Disk extends NoReaders {
    private boolean isRefusing;
    private int asked;
    private Runnable meanwhile = () -> {};

    @Override
    public boolean punch(long offset, long bytes) {
      asked++;
      meanwhile.run();
      return !isRefusing;
    }
  }

  private PageStore full() throws IOException {
    PageStore.Spec spec =
        new PageStore.Spec("test", PAGE_SIZE, disk, PAGES_MAX * PAGE_SIZE, nanos::get);
    PageStore store = new PageStore(spec, Layout.Files.in(dir), (tags, sums) -> {});
    for (long pgno = 1; pgno <= PAGES_MAX; pgno++) {
      assertTrue(fill(store, pgno));
    }
    assertEquals(PAGES_MAX * PAGE_SIZE, store.usedBytes());
    return store;
  }

  private static boolean fill(PageStore store, long pgno) {
    return store.fill(pgno, PAGE, 0, Proof.NONE, each -> 5);
  }

  private static boolean fillByAnother(PageStore store, long pgno) {
    return CompletableFuture.supplyAsync(() -> fill(store, pgno)).join();
  }

  @Test
  void aDiskThatRefusedOnceIsAskedAgainAMinuteLater() throws IOException {
    try (PageStore store = full()) {
      disk.isRefusing = true;
      assertFalse(fill(store, 1000));
      disk.isRefusing = false;
      nanos.addAndGet(Duration.ofMinutes(1).toNanos() - 1);
      assertFalse(fill(store, 1000), "it rests");
      assertEquals(1, disk.asked);
      nanos.addAndGet(1);
      assertTrue(fill(store, 1000));
      assertTrue(fill(store, 1001));
      assertTrue(store.usedBytes() <= PAGES_MAX * PAGE_SIZE, store.usedBytes() + " bytes");
      boolean[] isStored = {false};
      disk.meanwhile =
          () -> {
            disk.meanwhile = () -> {};
            isStored[0] = fillByAnother(store, 5000);
          };
      for (long pgno = 2000; pgno < 2000 + PAGES_MAX; pgno++) {
        assertTrue(fill(store, pgno), "page " + pgno);
      }
      assertTrue(isStored[0], "nobody waits for who has the hand");
      assertTrue(store.usedBytes() <= PAGES_MAX * PAGE_SIZE, store.usedBytes() + " bytes");
    }
  }

  /** Nor does it grow while it is found out again. */
  @Test
  void aStoreThatCannotGiveBackDoesNotGrow() throws IOException {
    try (PageStore store = full()) {
      disk.isRefusing = true;
      for (int minute = 1; minute <= 10; minute++) {
        for (long pgno = 1000; pgno < 1010; pgno++) {
          assertFalse(fill(store, pgno), "page " + pgno);
        }
        assertEquals(minute, disk.asked);
        assertEquals(PAGES_MAX * PAGE_SIZE, store.usedBytes());
        nanos.addAndGet(Duration.ofMinutes(1).toNanos());
      }
      assertTrue(fill(store, 1), "a page that has its place");
      disk.meanwhile = () -> assertFalse(fillByAnother(store, 5000), "another has the hand");
      assertFalse(fill(store, 1000));
      assertEquals(11, disk.asked);
      assertEquals(PAGES_MAX * PAGE_SIZE, store.usedBytes());
    }
  }
}
