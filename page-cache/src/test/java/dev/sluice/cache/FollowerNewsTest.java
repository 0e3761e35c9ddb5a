package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.TestPrimary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * When news is seen: at the first look that a listing shows it to, with one more round of requests
 * for what the new files hold. Looks are counted and time is virtual.
 */
class FollowerNewsTest {
  private static final Duration POLL = Duration.ofSeconds(1);

  @TempDir Path folder;

  private FollowedWorld world;
  private final Random random = new Random(11);

  @BeforeEach
  void open() throws IOException {
    world = new FollowedWorld(11, FollowedWorld.options(folder), new SourceRule());
    world.primary().commit(20, TestPrimary.all(20));
    world.open();
    world.poll();
  }

  @AfterEach
  void close() {
    world.close();
  }

  private long rounds() {
    return world.replica().requests().rounds();
  }

  @Test
  void aNewTxidIsSeenAtTheNextLookInTwoRounds() throws IOException {
    for (int i = 0; i < 100; i++) {
      LtxFile file = world.primary().commit(20, List.of(2L + random.nextInt(19)));
      long before = rounds();
      assertTrue(world.pollAfter(POLL));
      assertEquals(file.name().range().max(), world.shown());
      assertTrue(rounds() - before <= 2, () -> "rounds: " + (rounds() - before));
    }
  }

  @Test
  void severalNewTxidsAreSeenAtOnceInTwoRounds() throws IOException {
    for (int i = 0; i < 20; i++) {
      for (int commits = 1 + random.nextInt(30); commits > 0; commits--) {
        world.primary().commit(20, List.of(2L + random.nextInt(19)));
      }
      long before = rounds();
      assertTrue(world.pollAfter(POLL));
      assertEquals(world.history().txid(), world.shown());
      assertTrue(rounds() - before <= 2, () -> "rounds: " + (rounds() - before));
      world.requireAllPages(world.latest());
    }
  }

  @Test
  void aLookWithoutNewsIsOneRoundAndPublishesNothing() throws IOException {
    View view = world.latest();
    for (int i = 0; i < 100; i++) {
      long before = rounds();
      assertFalse(world.pollAfter(POLL));
      assertEquals(1, rounds() - before);
      assertTrue(world.latest() == view);
    }
  }

  /**
   * Files appear in the listing in the order in which they were stored, each some looks late: at
   * each look exactly what the listing shows becomes the view.
   */
  @Test
  void whatAListingShowsLateIsSeenAtTheFirstLookThatShowsIt() throws IOException {
    world.storage().delayListings(() -> 7);
    int late = 0;
    for (int i = 0; i < 400; i++) {
      if (random.nextInt(3) == 0) {
        world.primary().commit(20, List.of(1L + random.nextInt(20)));
      }
      Txid shown = newestListed();
      world.pollAfter(POLL);
      assertFalse(world.shown().isBefore(shown), "a TXID that is listed is not seen");
      assertFalse(world.shown().isAfter(newestListed()), "a TXID that is not listed is seen");
      late += world.shown().equals(world.history().txid()) ? 0 : 1;
      world.requireAllPages(world.latest());
    }
    assertTrue(late > 50, "nothing was late: " + late);
    world.storage().catchUp();
    world.pollAfter(POLL);
    assertEquals(world.history().txid(), world.shown());
  }

  private Txid newestListed() {
    List<LtxFile> listed = world.storage().listed(0, Txid.FIRST);
    return listed.get(listed.size() - 1).name().range().max();
  }

  /** A later file is listed before an earlier one: the view stops before the gap, and goes on. */
  @Test
  void whatIsListedOutOfOrderIsNeverSkipped() throws IOException {
    for (int i = 0; i < 50; i++) {
      Txid before = world.shown();
      world.storage().delayListings(() -> 100_000);
      world.primary().commit(20, List.of(3L));
      world.storage().delayListings(() -> 0);
      world.primary().commit(20, List.of(4L));
      for (int looks = 0; looks < 3; looks++) {
        assertFalse(world.pollAfter(POLL));
        assertEquals(before, world.shown());
      }
      String missing = before.next().toString();
      assertTrue(world.replica().lastError().orElse("none").contains(missing), missing);
      world.storage().catchUp();
      assertTrue(world.pollAfter(POLL));
      assertEquals(world.history().txid(), world.shown());
      assertTrue(world.replica().lastError().isEmpty(), () -> world.replica().lastError().get());
      world.requireAllPages(world.latest());
    }
  }

  /** However little time the reader has. */
  @Test
  void aPageThatIsGoneIsSaidToBeGoneAndNotToBeLate() {
    View view = world.latest();
    world.primary().commit(20, List.of(1L));
    world.storage().delete(List.of(new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST))));
    for (int millis = 75; millis < 400; millis += 50) {
      Patience patience = Patience.of(Duration.ofMillis(millis));
      ByteBuffer dst = ByteBuffer.allocate(FollowedWorld.PAGE_SIZE);
      IOException gone =
          assertThrows(IOException.class, () -> world.replica().read(view, 7, dst, patience));
      assertTrue(String.valueOf(gone.getMessage()).contains("history gone"), gone::toString);
    }
  }

  @Test
  void lagIsTheTimeSinceTheLookThatProvedTheView() throws IOException {
    world.pollAfter(POLL);
    View view = world.latest();
    assertEquals(Duration.ZERO, world.replica().sinceProven(view).orElseThrow());
    world.primary().advance(Duration.ofSeconds(17));
    assertEquals(Duration.ofSeconds(17), world.replica().sinceProven(view).orElseThrow());
    world.poll();
    assertEquals(Duration.ZERO, world.replica().sinceProven(view).orElseThrow());
  }
}
