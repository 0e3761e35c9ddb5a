package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.LtxFile;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Several threads read pinned views, cold, while the follower publishes, moves pages, keeps and
 * forgets them, and retention deletes files: no read ever fails or is wrong.
 */
class FollowerRaceTest {
  private static final int READERS = 4;
  private static final int ROUNDS = Integer.getInteger("sluice.race.rounds", 600);
  private static final int PAGES_MAX = 60;
  private static final int READS_A_PIN = 40;

  @TempDir Path folder;

  private final Object lock = new Object();
  private final AtomicBoolean isOver = new AtomicBoolean();
  private final AtomicLong reads = new AtomicLong();

  /** A held view and the pages that it must have. */
  private record Pinned(View view, Hold hold, List<byte[]> pages) {}

  @Test
  void pinnedViewsAreReadWhileTheirFilesAreMovedAndDeleted(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    ExecutorService threads = Executors.newFixedThreadPool(READERS);
    try (FollowedWorld world =
        new FollowedWorld(seed.value(), FollowedWorld.options(folder), new SourceRule())) {
      ModelStorage storage = new ModelStorage(world.primary(), random);
      storage.commit(PAGES_MAX);
      world.open();
      List<CompletableFuture<Void>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        long seedOfReader = random.nextLong();
        readers.add(
            CompletableFuture.runAsync(() -> read(world, new Random(seedOfReader)), threads));
      }
      int round = 0;
      while (round < ROUNDS && readers.stream().noneMatch(CompletableFuture::isDone)) {
        write(world, storage, random);
        round++;
      }
      isOver.set(true);
      readers.forEach(CompletableFuture::join);
      System.out.println(
          "FollowerRaceTest reads="
              + reads
              + " relocated="
              + world.counts().relocatedPages()
              + " rescued="
              + world.counts().rescuedPages());
      assertTrue(reads.get() > ROUNDS, "too few reads: " + reads);
      assertTrue(world.counts().relocatedPages() > 0 && world.counts().rescuedPages() > 0);
    } finally {
      threads.shutdownNow();
    }
  }

  private void write(FollowedWorld world, ModelStorage storage, Random random) throws IOException {
    for (int i = 0; i < 5; i++) {
      synchronized (lock) {
        world.primary().advance(Duration.ofSeconds(random.nextInt(8)));
        storage.commit(PAGES_MAX);
        world.poll();
      }
      storage.compact();
    }
    if (random.nextInt(8) == 0) {
      storage.snapshot();
    }
    synchronized (lock) {
      List<LtxFile> expired = storage.expired();
      world.pollAfter(Duration.ofSeconds(31));
      storage.delete(expired);
    }
  }

  private void read(FollowedWorld world, Random random) {
    try {
      while (!isOver.get()) {
        Pinned pinned = pin(world);
        for (int i = 0; i < READS_A_PIN && !isOver.get(); i++) {
          long pgno = 1L + random.nextInt((int) pinned.view().commit());
          ByteBuffer dst = ByteBuffer.allocate(FollowedWorld.PAGE_SIZE);
          world.replica().read(pinned.view(), pgno, dst);
          assertArrayEquals(
              pinned.pages().get((int) pgno - 1), dst.array(), "page " + pgno + " of " + pinned);
          reads.incrementAndGet();
        }
        pinned.hold().close();
      }
    } catch (IOException e) {
      throw new CompletionException(e);
    }
  }

  /** Not while files are deleted: only what was pinned before the last look is kept. */
  private Pinned pin(FollowedWorld world) {
    synchronized (lock) {
      View view = world.latest();
      List<byte[]> pages = new ArrayList<>();
      for (long pgno = 1; pgno <= view.commit(); pgno++) {
        pages.add(world.history().page(view.txid(), pgno));
      }
      return new Pinned(view, world.replica().hold(view), pages);
    }
  }
}
