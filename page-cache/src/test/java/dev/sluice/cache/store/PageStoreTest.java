package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageStoreTest {
  private static final int PAGE_SIZE = 512;
  private static final PageStore.Spec SPEC =
      new PageStore.Spec("test", PAGE_SIZE, StoreReaders.NONE, 1 << 20);

  @TempDir Path dir;

  private PageStore open() throws IOException {
    return new PageStore(SPEC, Layout.Files.in(dir), (tags, sums) -> {});
  }

  private static byte[] page(int value) {
    byte[] page = new byte[PAGE_SIZE];
    Arrays.fill(page, (byte) value);
    return page;
  }

  /** The rule of publishing: what is admitted before it is cleared is not there afterwards. */
  @Test
  void aPageThatIsJustBeingStoredIsClearedToo() throws Exception {
    try (PageStore store = open()) {
      CountDownLatch isAdmitted = new CountDownLatch(1);
      CountDownLatch isCleared = new CountDownLatch(1);
      Thread clearing =
          new Thread(
              () -> {
                awaitUninterrupted(isAdmitted);
                store.clear(7);
                isCleared.countDown();
              });
      clearing.start();
      boolean isStored =
          store.fill(
              7,
              page(1),
              0,
              Proof.NONE,
              pgno -> {
                isAdmitted.countDown();
                while (isCleared.getCount() > 0 && clearing.getState() != Thread.State.BLOCKED) {
                  Thread.onSpinWait();
                }
                return 5;
              });
      clearing.join();
      assertTrue(isStored);
      assertFalse(store.contains(7), "it was admitted before it was cleared, and is there");
    }
  }

  /** What the disk does not give comes from the replica again; the others are as good as before. */
  @Test
  void aPageThatCannotBeReadGoesAndNothingElse() throws IOException {
    try (PageStore store = open()) {
      for (int pgno = 1; pgno <= 9; pgno++) {
        assertTrue(store.fill(pgno, page(pgno), 0, Proof.NONE, each -> 5));
      }
      try (RandomAccessFile pages = new RandomAccessFile(dir.resolve("pages").toFile(), "rw")) {
        pages.setLength(8 * PAGE_SIZE);
      }
      byte[] dst = new byte[PAGE_SIZE];
      assertFalse(store.read(9, 5, dst));
      assertFalse(store.contains(9));
      assertTrue(store.read(8, 5, dst));
      assertArrayEquals(page(8), dst);
      assertFalse(store.isFull(), "nothing is stored for a while");
      assertTrue(store.fill(9, page(9), 0, Proof.NONE, each -> 5));
      assertTrue(store.read(9, 5, dst));
      assertArrayEquals(page(9), dst);
    }
  }

  private void lose(PageStore store, long pgno) throws IOException {
    try (RandomAccessFile pages = new RandomAccessFile(dir.resolve("pages").toFile(), "rw")) {
      pages.setLength((pgno - 1) * PAGE_SIZE);
    }
    assertFalse(store.read(pgno, 5, new byte[PAGE_SIZE]));
    assertFalse(store.contains(pgno));
  }

  @Test
  void aPageThatWasLostIsAsProvenAsItWasIfItComesAgainAsItWas() throws IOException {
    try (PageStore store = open()) {
      assertTrue(store.fill(9, page(9), 0, Proof.PROVEN, each -> 5));
      lose(store, 9);
      assertTrue(store.fill(9, page(9), 0, Proof.NONE, each -> 5));
      assertEquals(Proof.PROVEN, store.proof(9));
      lose(store, 9);
      assertTrue(store.fill(9, page(8), 0, Proof.NONE, each -> 5));
      assertEquals(Proof.NONE, store.proof(9));
    }
  }

  @Test
  void aPageThatWasLostAndHasChangedIsNotKnownAnyMore() throws IOException {
    try (PageStore store = open()) {
      assertTrue(store.fill(9, page(9), 0, Proof.PROVEN, each -> 5));
      lose(store, 9);
      store.clear(9);
      assertTrue(store.fill(9, page(9), 0, Proof.NONE, each -> 6));
      assertEquals(Proof.NONE, store.proof(9));
    }
  }

  /** Two ask for it at once: nobody is sent to the replica for what is there. */
  @Test
  void aPageThatAnotherHasJustCheckedIsThere() throws IOException {
    Path folder = dir.resolve("two");
    LocalStore before = own(folder).create(SPEC, 5, 100);
    assertTrue(before.pages().fill(3, page(3), 0, Proof.NONE, each -> 4));
    before.close();
    StoreFolder owned = own(folder);
    LocalStore after =
        owned.adopt(owned.left(PAGE_SIZE).orElseThrow(), SPEC, 5, 100, (pgno, bound) -> true);
    assertFalse(after.pages().contains(3));
    assertTrue(after.pages().recover(3, each -> 4));
    assertTrue(after.pages().recover(3, each -> 4));
    assertFalse(after.pages().recover(4, each -> 4));
    after.close();
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static StoreFolder own(Path folder) throws IOException {
    return StoreFolder.own(folder, Optional.empty(), Duration.ZERO).orElseThrow();
  }

  /** As after {@code kill -9}, in the same run of the system. */
  @Test
  void whatAKilledProcessLeftIsThereOnceItWasChecked() throws IOException {
    Path folder = dir.resolve("folder");
    Path copy = dir.resolve("copy");
    LocalStore store = own(folder).create(SPEC, 5, 100);
    for (int pgno = 1; pgno <= 4; pgno++) {
      long bound = pgno;
      assertTrue(store.pages().fill(pgno, page(pgno), 0, Proof.NONE, each -> bound));
    }
    store.pages().fill(9, page(9), 0, Proof.NONE, each -> 6); // a view that was not published yet
    store.pages().clear(4);
    copy(folder.resolve("store-1"), copy.resolve("store-1"));
    store.close();
    try (StoreFolder owned = own(copy)) {
      StoreFolder.Left left = owned.left(PAGE_SIZE).orElseThrow();
      assertEquals(5, left.txid());
      LocalStore again = owned.adopt(left, SPEC, 7, 100, (pgno, bound) -> pgno != 2);
      byte[] dst = new byte[PAGE_SIZE];
      assertFalse(again.pages().read(1, 7, dst), "nobody has checked it");
      assertTrue(again.pages().recover(1, each -> 1) && again.pages().read(1, 1, dst));
      assertArrayEquals(page(1), dst);
      assertFalse(again.pages().recover(2, each -> 7), "it has changed since");
      assertFalse(again.pages().recover(3, each -> 0), "it may not be here");
      again.pages().clear(3);
      assertFalse(again.pages().recover(3, each -> 7), "it was cleared");
      assertFalse(again.pages().recover(4, each -> 7), "it was cleared before");
      assertFalse(again.pages().recover(9, each -> 7), "of a later view than the published one");
      assertEquals(0, again.pages().damagedPages());
      again.close();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (String name : new String[] {"pages", "tags", "sums", "control"}) {
      Files.copy(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** The same bytes as store_test.c reads. */
  @Test
  void aTagIsAsReadersInCReadIt() throws IOException {
    long bound = 0x1122_3344_5566L;
    try (PageStore store = open()) {
      assertTrue(store.fill(3, page(1), 0, Proof.NONE, pgno -> bound));
    }
    ByteBuffer tags = ByteBuffer.wrap(Files.readAllBytes(dir.resolve("tags")));
    long word = tags.order(ByteOrder.nativeOrder()).getLong(2 * Long.BYTES);
    String littleEndian = HexFormat.of().toHexDigits(Long.reverseBytes(word));
    assertEquals("0200665544332211", littleEndian);
  }

  @Test
  void generationsOverflowIntoNothing() {
    long tag = (5L << 16) | 0xffff;
    assertEquals(5L << 16, Layout.next(tag, 5));
    assertEquals(0, Layout.next(tag, 0));
    assertEquals(Layout.BOUND_MAX, Layout.bound(Layout.next(tag, Layout.BOUND_MAX)));
  }

  @Test
  void aWithheldBoundIsAboveEveryViewToReadersInC() {
    long withheld = Layout.withheld((5L << 16) | 0xffff, Layout.BOUND_MAX);
    assertEquals(-1L << 16, withheld);
    assertEquals(0, Layout.bound(withheld));
    assertEquals(Layout.BOUND_MAX, Layout.withheldBound(withheld));
    assertTrue(withheld >>> 16 > LocalStore.TXID_MAX);
    assertEquals(1, Layout.next(withheld, 0));
    assertEquals(0, Layout.withheldBound(Layout.next(withheld, 7)));
  }
}
