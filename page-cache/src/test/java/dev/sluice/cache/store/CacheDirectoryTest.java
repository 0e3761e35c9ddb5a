package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which stores in a cache directory are deleted, and when somebody looks. */
class CacheDirectoryTest {
  private static final Instant NOW = Instant.parse("2026-05-01T12:00:00Z");
  private static final Duration DAY = Duration.ofDays(1);

  @TempDir Path dir;

  private LocalStore create(String name) throws IOException {
    PageStore.Spec spec = new PageStore.Spec("test", 512, StoreReaders.NONE, 1 << 20);
    LocalStore store =
        StoreFolder.own(dir.resolve(name), Optional.empty(), Duration.ZERO)
            .orElseThrow()
            .create(spec, 5, 100);
    store.name(name);
    store.remember(() -> new byte[] {1});
    store.checkpoint(5, 100);
    return store;
  }

  /** Has what is in a folder look as if it was written some days ago. */
  private Path aged(String name, double days) throws IOException {
    Path folder = dir.resolve(name);
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path each : files.toList()) {
        set(each, days);
      }
    }
    return folder;
  }

  /** Not of a file that is locked: that would open it. */
  private static void set(Path path, double days) throws IOException {
    if (!path.endsWith("owner")) {
      Instant then = NOW.minusMillis((long) (days * DAY.toMillis()));
      Files.setLastModifiedTime(path, FileTime.from(then));
    }
  }

  private CacheDirectory directory() {
    return new CacheDirectory(dir, Clock.fixed(NOW, ZoneOffset.UTC));
  }

  private void deleteOld() throws IOException {
    directory().deleteOld(directory().folders(), NOW);
  }

  private static boolean hasStore(Path folder) {
    return Files.exists(folder.resolve("store-1/pages"));
  }

  @Test
  void aStoreThatNobodyUsedForAMonthGoes() throws IOException {
    create("old").close();
    create("young").close();
    Path old = aged("old", 30.1);
    Path young = aged("young", 29.9);
    deleteOld();
    assertTrue(hasStore(young));
    assertFalse(Files.exists(old.resolve("store-1")));
    try (Stream<Path> left = Files.list(old)) {
      assertEquals(List.of(old.resolve("owner")), left.toList());
    }
    create("old").close();
    assertTrue(hasStore(old), "it is begun anew");
  }

  @Test
  void oneFileThatIsYoungKeepsIt() throws IOException {
    create("used").close();
    Path used = aged("used", 300);
    set(used.resolve("store-1/control"), 1);
    deleteOld();
    assertTrue(hasStore(used));
    set(used.resolve("store-1/control"), -300);
    deleteOld();
    assertTrue(hasStore(used), "it is of the future");
  }

  @Test
  void aStoreThatIsOpenStays() throws IOException {
    LocalStore store = create("open");
    Path open = aged("open", 3000);
    deleteOld();
    assertTrue(hasStore(open));
    assertTrue(store.pages().fill(1, new byte[512], 0, Proof.NONE, pgno -> 5));
    store.close();
    aged("open", 3000);
    deleteOld();
    assertFalse(hasStore(open));
  }

  @Test
  void whatIsNotOursStays() throws IOException {
    create("guest").close();
    Path guest = dir.resolve("guest");
    Files.writeString(guest.resolve("notes.txt"), "mine");
    create("odd").close();
    Path odd = dir.resolve("odd");
    Files.createDirectory(odd.resolve("store-7")); // without what a store has
    create("elsewhere").close();
    Path elsewhere = dir.resolve("elsewhere");
    Files.move(elsewhere.resolve("store-1/pages"), dir.resolve("app.db"));
    create("lockless").close();
    Path lockless = dir.resolve("lockless");
    Files.delete(lockless.resolve("owner"));
    Path real = Files.createDirectory(dir.resolve("real"));
    create("real/linked").close();
    Path link = Files.createSymbolicLink(dir.resolve("link"), real.resolve("linked"));
    for (String each : List.of("guest", "odd", "elsewhere", "lockless", "real")) {
      aged(each, 300);
    }
    deleteOld();
    assertTrue(hasStore(guest) && hasStore(odd) && hasStore(lockless) && hasStore(link));
    assertTrue(Files.exists(elsewhere.resolve("store-1/control")));
    assertTrue(Files.exists(dir.resolve("app.db")));
  }

  @Test
  void aLookIsOnceADayAndTheFirstOneDeletesNothing() throws IOException {
    CacheDirectory directory = directory();
    Path looked = dir.resolve(CacheDirectory.LOOKED);
    assertFalse(directory.isDue(NOW), "the first");
    assertEquals(NOW, Files.getLastModifiedTime(looked).toInstant());
    assertFalse(directory.isDue(NOW.plus(DAY).minusMillis(1)), "the same day");
    assertEquals(NOW, Files.getLastModifiedTime(looked).toInstant());
    assertTrue(directory.isDue(NOW.plus(DAY)));
    assertFalse(directory.isDue(NOW.plus(DAY)), "just looked");
    assertTrue(directory.isDue(NOW.plus(DAY.multipliedBy(31))));
  }

  /** The stores of those that are about to be opened look old then. */
  @Test
  void afterALongTimeOrAJumpOfTheClockALookDeletesNothing() throws IOException {
    CacheDirectory directory = directory();
    assertFalse(directory.isDue(NOW));
    Instant later = NOW.plus(DAY.multipliedBy(30)).plusSeconds(1);
    assertFalse(directory.isDue(later), "nobody was here for a month");
    assertFalse(directory.isDue(NOW), "the clock was set back");
    assertTrue(directory.isDue(NOW.plus(DAY)));
  }

  @Test
  @Timeout(60)
  void whoOpensAStoreHasTheOthersLookedAt() throws Exception {
    directory().tidy(dir.resolve("mine"));
    assertFalse(Files.exists(dir.resolve(CacheDirectory.LOOKED)), "there are no others");
    create("mine").close();
    create("other").close();
    Path mine = aged("mine", 300);
    Path other = aged("other", 300);
    directory().tidy(mine);
    assertTrue(hasStore(other));
    set(dir.resolve(CacheDirectory.LOOKED), 1);
    directory().tidy(mine);
    while (hasStore(other)) {
      Thread.onSpinWait(); // a thread is about it
    }
    StoreFolder.own(other, Optional.empty(), Duration.ofMinutes(1)).orElseThrow().close();
    assertTrue(hasStore(mine));
  }
}
