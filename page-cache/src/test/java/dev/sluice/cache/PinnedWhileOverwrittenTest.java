package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.history.TestPrimary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A view that is pinned while every page of it is overwritten, in the replica and in the hydrated
 * page store, and the files that it was read from go.
 */
class PinnedWhileOverwrittenTest {
  private static final int PAGES = 40;
  private static final int TRANSACTIONS = 300;
  private static final int COMPACTED = 20;
  private static final Duration BETWEEN = Duration.ofSeconds(9);
  private static final Duration EXPIRING = Duration.ofMinutes(3);
  private static final Duration LOOK_AT_ALL = Duration.ofSeconds(31);

  @TempDir Path folder;

  private FollowedWorld world(long rescueBytes) {
    ReplicaOptions options =
        FollowedWorld.options(folder)
            .withRescueBytes(rescueBytes)
            .withStore(StoreOptions.DEFAULT.hydrated(true));
    return new FollowedWorld(11, options, new SourceRule());
  }

  /** Returns the view that is pinned, when hundreds of transactions have come after it. */
  private static View pinnedLongAgo(FollowedWorld world) throws IOException {
    Random random = new Random(5);
    world.primary().commit(PAGES, TestPrimary.all(PAGES));
    world.primary().commit(PAGES, List.of(2L, 3L));
    View pinned = world.open();
    world.replica().hold(pinned);
    TestReplicas.await(() -> world.replica().hydrationPercent() == 100);
    for (int i = 1; i <= TRANSACTIONS; i++) {
      // Page 1 is never written again: it is what the pinned view and the latest have in common.
      world.primary().commit(PAGES, List.of(2L + random.nextInt(PAGES - 1), 2L + i % (PAGES - 1)));
      world.pollAfter(BETWEEN);
      if (i % COMPACTED == 0) {
        compact(world);
        world.requirePage(world.latest(), 2, TestReplicas.page(world.replica(), world.latest(), 2));
      }
    }
    TestReplicas.await(() -> world.replica().hydrationPercent() == 100);
    return pinned;
  }

  /** As a primary does: the files of level 0 become one of level 1, and go when they are old. */
  private static void compact(FollowedWorld world) throws IOException {
    List<LtxFile> files = world.storage().files(0);
    world.primary().compact(1, files);
    world.pollAfter(EXPIRING);
    world.pollAfter(LOOK_AT_ALL);
    world.storage().delete(files.stream().map(LtxFile::name).toList());
    world.pollAfter(LOOK_AT_ALL);
  }

  @Test
  void itStaysAsItWas() throws IOException {
    try (FollowedWorld world = world(ReplicaOptions.DEFAULT_RESCUE_BYTES)) {
      View pinned = pinnedLongAgo(world);
      assertEquals(new Txid(2), pinned.txid());
      world.requireAllPages(pinned);
      world.requireAllPages(world.latest());
      assertTrue(world.replica().rescuedBytes() > 0);
    }
  }

  @Test
  void withoutRoomWhatIsGoneIsSaidToBe() throws IOException {
    try (FollowedWorld world = world(0)) {
      View pinned = pinnedLongAgo(world);
      int gone = 0; // but what changed late: the first file of level 1 has its version
      for (long pgno = 1; pgno <= PAGES; pgno++) {
        try {
          world.requirePage(pinned, pgno, TestReplicas.page(world.replica(), pinned, pgno));
        } catch (ViewException.HistoryGone e) {
          gone++;
        }
      }
      assertTrue(gone > PAGES / 4, gone + " are gone");
      world.requireAllPages(world.latest());
    }
  }
}
