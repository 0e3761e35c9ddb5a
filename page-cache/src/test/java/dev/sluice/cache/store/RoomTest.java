package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
    private final List<String> ranges = new ArrayList<>();

    @Override
    public boolean punch(long offset, long bytes) {
      asked++;
      meanwhile.run();
      ranges.add(offset + " to " + (offset + bytes));
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

  /**
   * Of the last pages before a power cut the disk may have the bytes, and nothing that says so: who
   * counts only what is said would let the store grow by as much at each.
   */
  @ParameterizedTest
  @CsvSource({
    "4096, 8192 to 12288 | 40960 to 134217728, 9",
    "512,  8192 to 16777216, 2", // pages 1 to 8, and 9 to 16
  })
  void afterAPowerCutOnlyWhatIsKnownTakesAPlace(int pageSize, String freed, int places)
      throws IOException {
    PageStore.Spec spec = new PageStore.Spec("test", pageSize, disk, 100 * 4096, nanos::get);
    LocalStore before = own().create(spec, 5, 100);
    fill(before.pages(), 1, 10);
    before.checkpoint(5, 100);
    fill(before.pages(), 40, 50);
    before.close();
    Path store = dir.resolve("store-1");
    for (String words : new String[] {"tags", "sums"}) {
      try (RandomAccessFile file = new RandomAccessFile(store.resolve(words).toFile(), "rw")) {
        file.seek(39 * Long.BYTES);
        file.write(new byte[11 * Long.BYTES]);
      }
    }
    try (RandomAccessFile file = new RandomAccessFile(store.resolve("pages").toFile(), "rw")) {
      file.setLength(2L * Layout.CHUNK_PAGES * pageSize); // of a chunk without tags, too
    }
    try (StoreControl control = new StoreControl(store.resolve("control"))) {
      control.write(new StoreControl.State(pageSize, 5, 100, false, Optional.of(new UUID(4, 2))));
    }
    StoreFolder folder = own();
    StoreFolder.Left left = folder.left(pageSize).orElseThrow();
    LocalStore after = folder.adopt(left, spec, 5, 100, (pgno, bound) -> pgno != 3);
    assertEquals(List.of(freed.split(" \\| ")), disk.ranges);
    assertEquals(places * 4096L, after.pages().usedBytes());
    for (long pgno = 1; pgno <= 50; pgno++) {
      boolean isLeft = pgno <= 10 && pgno != 3;
      assertEquals(isLeft, after.pages().recover(pgno, each -> 5), "page " + pgno);
    }
    assertEquals(places * 4096L, after.pages().usedBytes());
    after.close();
    disk.ranges.clear();
    StoreFolder again = own();
    again.adopt(again.left(pageSize).orElseThrow(), spec, 5, 100, (pgno, bound) -> true).close();
    assertEquals(List.of(), disk.ranges, "there was no power cut");
  }

  private StoreFolder own() throws IOException {
    return StoreFolder.own(dir, Optional.empty(), Duration.ZERO).orElseThrow();
  }

  private static void fill(PageStore store, long first, long last) {
    for (long pgno = first; pgno <= last; pgno++) {
      byte[] page = new byte[store.pageSize()];
      assertTrue(store.fill(pgno, page, 0, Proof.NONE, each -> 5));
    }
  }

  @Test
  void aStoreWithoutALimitIsLeftAsItIs() throws IOException {
    PageStore.Spec spec = new PageStore.Spec("test", PAGE_SIZE, disk, Long.MAX_VALUE, nanos::get);
    try (PageStore store = new PageStore(spec, Layout.Files.in(dir), (tags, sums) -> {})) {
      fill(store, 1, 1);
      store.clear(1);
      store.freeUnknown();
      assertEquals(0, disk.asked);
    }
  }
}
