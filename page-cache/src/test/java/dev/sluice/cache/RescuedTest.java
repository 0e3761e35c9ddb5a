package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RescuedTest {
  private static final int PAGE_SIZE = 512;
  private static final PageMap.Frame FRAME = new PageMap.Frame(3, 100, 77);
  private static final Duration LONG = Duration.ofSeconds(10);

  @TempDir Path folder;

  /** What is let go of, openings of all views wait for; what more is allowed, one opening. */
  @Test
  void whatIsLetGoOfOrAllowedDoesNotWaitForTheDisk() throws Exception {
    CountDownLatch hangs = new CountDownLatch(1);
    CountDownLatch goesOn = new CountDownLatch(1);
    RescueFile file = new RescueFile(folder, 1 << 20);
    try (Rescued rescued = new Rescued(file)) {
      assertTrue(rescued.put(FRAME, new byte[PAGE_SIZE]));
      CompletableFuture<Void> hanging =
          CompletableFuture.runAsync(
              () ->
                  file.retain(
                      id -> {
                        hangs.countDown();
                        awaitQuietly(goesOn);
                        return true;
                      }));
      hangs.await();
      try {
        assertTimeoutPreemptively(
            LONG,
            () -> {
              rescued.retain(List.of());
              rescued.raiseMaximum(2 << 20);
              assertFalse(rescued.find(FRAME).isPresent());
              assertEquals(PAGE_SIZE + 4, rescued.bytes());
            });
      } finally {
        goesOn.countDown();
      }
      hanging.get();
      rescued.freeRoom();
      assertEquals(0, rescued.bytes());
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aPageThatCameWhileOthersWereLetGoOfStays() throws IOException {
    PageMap.Frame other = new PageMap.Frame(4, 100, 77);
    try (Rescued rescued = new Rescued(new RescueFile(folder, 1 << 20))) {
      rescued.put(FRAME, new byte[PAGE_SIZE]);
      rescued.retain(List.of());
      rescued.put(other, new byte[PAGE_SIZE]);
      rescued.put(FRAME, new byte[PAGE_SIZE]);
      rescued.freeRoom();
      assertTrue(rescued.find(other).isPresent());
      assertTrue(rescued.find(FRAME).isPresent());
      assertEquals(2 * (PAGE_SIZE + 4), rescued.bytes());
      rescued.read(new PageMap.Frame(Rescued.FILE, rescued.find(FRAME).getAsLong(), PAGE_SIZE));
    }
  }

  @Test
  void oneMorePageThanThereIsRoomForIsFetchedUntilItsWantWasTold() throws IOException {
    try (Rescued rescued = new Rescued(new RescueFile(folder, PAGE_SIZE + 4))) {
      assertEquals(2, rescued.pageRoom(PAGE_SIZE, 1));
      assertEquals(0, rescued.pageRoom(PAGE_SIZE, 2));
      rescued.put(FRAME, new byte[PAGE_SIZE]);
      assertEquals(1, rescued.pageRoom(PAGE_SIZE, 1));
      assertFalse(rescued.put(new PageMap.Frame(4, 100, 77), new byte[PAGE_SIZE]));
      assertEquals(0, rescued.pageRoom(PAGE_SIZE, 1));
      rescued.raiseMaximum(3 * (PAGE_SIZE + 4));
      assertEquals(3, rescued.pageRoom(PAGE_SIZE, 1));
      rescued.raiseMaximum(PAGE_SIZE);
      assertFalse(rescued.put(new PageMap.Frame(5, 100, 77), new byte[2 * PAGE_SIZE]));
      assertEquals(2, rescued.pageRoom(PAGE_SIZE, 1));
    }
  }
}
