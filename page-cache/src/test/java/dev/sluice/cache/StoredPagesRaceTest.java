package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.Evictions;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fill against publish with threads: some store what they fetched a while ago, one publishes, one
 * evicts, and some read, by the published TXID as a reader in C does, or by a view. In place of
 * jcstress, whose actors are too small for files: what is at stake is the order of a lock, a tag
 * and a file's bytes.
 *
 * <p>{@code -Dsluice.soak.seconds=N}: for a fifth of them.
 */
class StoredPagesRaceTest {
  private static final int PAGES = 6;
  private static final int FILLERS = 3;
  private static final int READERS = 3;

  /** A history of so many TXIDs at a time: views of a longer one cost too much to open. */
  private static final int TXIDS = 200;

  private static final double SECONDS = Integer.getInteger("sluice.soak.seconds", 10) / 5.0;

  @TempDir Path dir;

  private final AtomicBoolean isOver = new AtomicBoolean();
  private final AtomicLong hits = new AtomicLong();
  private final AtomicLong fills = new AtomicLong();

  /** One history from its beginning: what is known of it, and what is published. */
  private static final class Course {
    final StoredPages stored;
    final List<StoredHistory.Version> versions;
    final List<View> opened = new ArrayList<>();
    volatile int published;

    Course(StoredPages stored, StoredHistory history) throws ViewException {
      this.stored = stored;
      this.versions = history.versions();
      for (StoredHistory.Version version : versions) {
        opened.add(history.opened(version));
      }
    }
  }

  @Test
  void whoeverReadsFindsThePageOfTheView(@Seeded("sluice.seed") Seed seed) throws Exception {
    LocalStore store = store();
    ExecutorService threads = Executors.newCachedThreadPool();
    SplittableRandom random = new SplittableRandom(seed.value());
    try {
      long end = System.nanoTime() + (long) (SECONDS * TimeUnit.SECONDS.toNanos(1));
      long courses = 0;
      while (System.nanoTime() < end) {
        run(store, threads, random);
        courses++;
      }
      System.out.println(
          "StoredPagesRaceTest courses=" + courses + " hits=" + hits + " fills=" + fills);
      assertTrue(hits.get() > 0 && fills.get() > 0);
    } finally {
      isOver.set(true);
      threads.shutdown();
      assertTrue(threads.awaitTermination(30, TimeUnit.SECONDS));
      store.discard();
    }
  }

  private LocalStore store() throws IOException {
    return StoreFolder.temporary(
        dir, new PageStore.Spec("race", StoredHistory.PAGE_SIZE, new ZeroingReaders(), 1 << 20));
  }

  private void run(LocalStore store, ExecutorService threads, SplittableRandom random)
      throws IOException {
    for (int pgno = 1; pgno <= PAGES; pgno++) {
      store.pages().clear(pgno);
    }
    StoredHistory history = new StoredHistory(PAGES);
    while (history.versions().size() < TXIDS) {
      history.commit(random);
    }
    FrameCache cache = new FrameCache(1 << 20);
    StoredPages stored =
        new StoredPages(
            StoredHistory.source(cache), new ZeroingReaders(), first -> Optional.of(store));
    Course course = new Course(stored, history);
    stored.open(course.versions.get(0).view());
    stored.prepare(course.versions.get(0).view());
    isOver.set(false);
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (int i = 0; i < FILLERS; i++) {
      SplittableRandom own = random.split();
      running.add(CompletableFuture.runAsync(() -> fillUntilOver(course, own), threads));
    }
    for (int i = 0; i < READERS; i++) {
      SplittableRandom own = random.split();
      boolean isInC = i % 2 == 0;
      running.add(
          CompletableFuture.runAsync(() -> readUntilOver(store, course, isInC, own), threads));
    }
    while (course.published + 1 < TXIDS && running.stream().noneMatch(CompletableFuture::isDone)) {
      publish(store, course, random);
    }
    isOver.set(true);
    running.forEach(CompletableFuture::join);
  }

  private static void publish(LocalStore store, Course now, SplittableRandom random) {
    int next = Math.min(TXIDS - 1, now.published + 1 + random.nextInt(3));
    View before = now.versions.get(now.published).view();
    View view = now.versions.get(next).view();
    if (random.nextInt(3) == 0) { // then all are stored anew just while the view is published
      Evictions.evict(store.pages(), 0);
    }
    now.stored.prepare(view);
    now.published = next;
    now.stored.published(Optional.of(before), view);
    long stay = System.nanoTime() + random.nextInt(100_000);
    while (System.nanoTime() < stay) {
      Thread.onSpinWait();
    }
  }

  /** Views that were published, and one of the near future, opened by its TXID. */
  private static int anyIndex(Course now, RandomGenerator random) {
    int newest = Math.min(TXIDS - 1, now.published + 2);
    return Math.max(0, newest - random.nextInt(6));
  }

  private static View view(Course now, int index, RandomGenerator random) {
    boolean isFollowed = index <= now.published && random.nextBoolean();
    return isFollowed ? now.versions.get(index).view() : now.opened.get(index);
  }

  private void fillUntilOver(Course now, RandomGenerator random) {
    while (!isOver.get()) {
      int index = anyIndex(now, random);
      View view = view(now, index, random);
      long pgno = 1 + random.nextLong(view.commit());
      now.stored.fill(view, pgno, now.versions.get(index).page(pgno));
      fills.incrementAndGet();
    }
  }

  private void readUntilOver(LocalStore store, Course now, boolean isInC, RandomGenerator random) {
    byte[] dst = new byte[StoredHistory.PAGE_SIZE];
    while (!isOver.get()) {
      int index = isInC ? now.published : anyIndex(now, random);
      View view = view(now, index, random);
      long pgno = 1 + random.nextLong(view.commit());
      boolean isHit =
          isInC
              ? store.pages().read(pgno, view.txid().value(), dst)
              : now.stored.read(view, pgno, dst);
      if (isHit) {
        hits.incrementAndGet();
        assertArrayEquals(
            now.versions.get(index).page(pgno), dst, () -> "page " + pgno + " of " + view);
      }
    }
  }
}
