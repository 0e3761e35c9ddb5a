package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.LtxFile;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.TestPrimary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What it costs to look after views. */
class UpkeepTest {
  private static final Duration LOOK_AT_ALL = Duration.ofSeconds(31);

  /** Past half the age at which files of level 0 go. */
  private static final Duration EXPIRING = Duration.ofMinutes(3);

  @TempDir Path folder;

  private static FollowedWorld world(ReplicaOptions options) {
    return new FollowedWorld(7, options, new SourceRule());
  }

  private static int leafCount(List<View> views) {
    Set<long[]> leaves = Collections.newSetFromMap(new IdentityHashMap<>());
    views.forEach(view -> view.pages().collectLeaves(leaves));
    return leaves.size();
  }

  /** Follows one commit to a page after the other, all views held. */
  private static List<View> follow(FollowedWorld world, int pages, int commits) throws IOException {
    List<View> views = new ArrayList<>();
    views.add(world.open());
    for (int i = 0; i < commits; i++) {
      world.primary().commit(pages, List.of(2L + i));
      world.poll();
      views.add(world.latest());
    }
    views.forEach(world.replica()::hold);
    return views;
  }

  @Test
  void viewsWhosePagesMoveGoOnSharing() throws IOException {
    int pages = 3000;
    int leaves = pages / Leaf.PAGES + 1;
    try (FollowedWorld world = world(FollowedWorld.options(folder))) {
      world.primary().commit(pages, TestPrimary.all(pages));
      List<View> views = follow(world, pages, 20);
      assertEquals(leaves + 20, leafCount(views));
      List<LtxFile> first = world.storage().files(0).subList(0, 1);
      world.primary().compact(1, first);
      world.storage().delete(List.of(first.get(0).name()));
      world.pollAfter(LOOK_AT_ALL);
      assertTrue(world.counts().relocatedPages() >= 20L * (pages - 20), "they have moved");
      assertEquals(leaves + 20, leafCount(views));
      for (View view : views) {
        world.requireAllPages(view);
      }
    }
  }

  @Test
  void viewsWhosePagesAreKeptGoOnSharing() throws IOException {
    int pages = 500;
    try (FollowedWorld world = world(FollowedWorld.options(folder))) {
      world.primary().commit(pages, TestPrimary.all(pages));
      List<View> views = follow(world, pages, 5);
      // Nothing but the first file holds what the views before this see.
      world.primary().commit(pages, TestPrimary.all(pages));
      world.poll();
      int before = leafCount(views);
      List<LtxFile> files = world.storage().files(0);
      world.primary().compact(1, files);
      world.pollAfter(EXPIRING);
      world.pollAfter(LOOK_AT_ALL);
      world.storage().delete(files.stream().map(LtxFile::name).toList());
      assertEquals(before, leafCount(views));
      for (View view : views) {
        world.requireAllPages(view);
      }
    }
  }

  @Test
  void aPageThatViewsShareIsKeptOnceAndCountedOnce() throws IOException {
    try (FollowedWorld world = world(FollowedWorld.options(folder))) {
      world.primary().commit(4, TestPrimary.all(4));
      List<View> views = follow(world, 4, 1);
      world.primary().commit(4, TestPrimary.all(4));
      world.poll();
      world.primary().compact(1, world.storage().files(0));
      world.pollAfter(EXPIRING);
      assertEquals(5, world.counts().rescuedPages());
      assertEquals(5 * (FollowedWorld.PAGE_SIZE + 4), world.replica().rescuedBytes());
      world.requireAllPages(views.get(0));
    }
  }

  /** A held view whose page 2 only an expiring file has, and no room to keep it. */
  private static View stuck(FollowedWorld world) throws IOException {
    world.primary().commit(4, TestPrimary.all(4));
    world.primary().compact(9, world.storage().files(0));
    world.primary().commit(4, List.of(2L));
    View view = world.open();
    world.replica().hold(view);
    world.primary().commit(4, List.of(2L));
    world.poll();
    world.primary().compact(1, world.storage().files(0).subList(1, 3));
    for (int i = 0; i < 8; i++) {
      world.pollAfter(LOOK_AT_ALL);
    }
    assertTrue(world.replica().rescuedBytes() == 0, "there is no room");
    return view;
  }

  @Test
  void aPageThatCanNeitherMoveNorBeKeptCostsNoRequestWhileNothingChanges() throws IOException {
    try (FollowedWorld world = world(FollowedWorld.options(folder).withRescueBytes(0))) {
      stuck(world);
      long gets = world.storage().gets();
      for (int i = 0; i < 5; i++) {
        world.pollAfter(LOOK_AT_ALL);
      }
      assertEquals(gets, world.storage().gets());
      // News costs what following costs: the new file, and nothing for the view that is held.
      world.primary().commit(4, List.of(3L));
      world.poll();
      gets = world.storage().gets();
      world.pollAfter(LOOK_AT_ALL);
      assertEquals(gets, world.storage().gets());
    }
  }

  @Test
  void aNewSourceOfAPageThatCouldNotMoveIsFound() throws IOException {
    try (FollowedWorld world = world(FollowedWorld.options(folder).withRescueBytes(0))) {
      View view = stuck(world);
      LtxFile only = world.storage().files(0).get(1);
      long moved = world.counts().relocatedPages();
      world.primary().compact(2, List.of(only));
      world.pollAfter(LOOK_AT_ALL);
      assertEquals(moved + 1, world.counts().relocatedPages());
      world.storage().delete(List.of(only.name()));
      world.requireAllPages(view);
    }
  }

  /** Nobody follows: what the view's page needs is told by files that go before it has a source. */
  @Test
  void whatFilesTellIsLearnedBeforeTheyGoThoughNoPageCanMoveYet() throws IOException {
    try (FollowedWorld world = world(FollowedWorld.options(folder).withRescueBytes(0))) {
      world.primary().commit(4, TestPrimary.all(4));
      world.primary().compact(9, world.storage().files(0));
      world.primary().commit(4, List.of(2L, 3L));
      View view = world.replica().at(new Target.AtTxid(world.history().txid()));
      world.replica().hold(view);
      world.primary().commit(4, List.of(4L));
      world.primary().compact(1, world.storage().files(0).subList(2, 3));
      for (int i = 0; i < 8; i++) {
        world.pollAfter(LOOK_AT_ALL);
      }
      assertEquals(0, world.counts().relocatedPages());
      world.primary().commit(4, List.of(2L));
      world.pollAfter(LOOK_AT_ALL);
      List<LtxFile> files = world.storage().files(0).subList(1, 4);
      LtxFile part = world.storage().files(1).get(0);
      world.primary().compact(1, files);
      world.storage().delete(files.stream().map(LtxFile::name).toList());
      world.storage().delete(List.of(part.name()));
      world.pollAfter(LOOK_AT_ALL);
      assertEquals(1, world.counts().relocatedPages());
      world.requirePage(view, 3, TestReplicas.page(world.replica(), view, 3));
    }
  }

  @Test
  void roomForAPageThatCouldNotBeKeptIsUsed() throws IOException {
    ReplicaOptions options = FollowedWorld.options(folder).withRescueBytes(0);
    try (FollowedWorld world = world(options)) {
      View view = stuck(world);
      world.replica().share(options.withRescueBytes(1 << 20));
      world.pollAfter(LOOK_AT_ALL);
      assertEquals(1, world.counts().rescuedPages());
      world.storage().delete(List.of(world.storage().files(0).get(1).name()));
      world.requireAllPages(view);
    }
  }
}
