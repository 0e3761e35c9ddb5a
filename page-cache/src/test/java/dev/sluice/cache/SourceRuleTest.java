package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each condition of the rule by itself: a page whose file is gone, and one other file that only
 * this condition refuses. With the rule the history is gone; without the condition something else
 * comes of it.
 */
class SourceRuleTest {
  private static final String GONE = "gone";
  private static final String EXACT = "exact";
  private static final long PAGE = 2;

  @TempDir Path folder;

  /**
   * What is there beside the history when page 2 of the view is read, which was written at TXID 2
   * of 3.
   */
  interface Scene {
    View set(FollowedWorld world) throws IOException;
  }

  private void requireOnly(SourceRule.Condition condition, Scene scene) throws IOException {
    assertEquals(GONE, outcome(new SourceRule(), scene));
    assertNotEquals(GONE, outcome(new SourceRule(Set.of(condition)), scene));
  }

  private String outcome(SourceRule rule, Scene scene) throws IOException {
    try (FollowedWorld world = new FollowedWorld(5, FollowedWorld.options(folder), rule)) {
      world.primary().commit(4, TestPrimary.all(4));
      world.primary().commit(4, List.of(2L, 3L));
      world.primary().commit(4, List.of(4L));
      world.open();
      View view = scene.set(world);
      ByteBuffer dst = ByteBuffer.allocate(view.pageSize());
      try {
        world.replica().read(view, PAGE, dst, Patience.of(Duration.ofSeconds(20)));
      } catch (ViewException.HistoryGone e) {
        return GONE;
      } catch (LtxFormatException | IllegalStateException e) {
        return "a bug: " + e;
      }
      return Arrays.equals(world.history().page(view.txid(), PAGE), dst.array()) ? EXACT : "wrong";
    }
  }

  private static void delete(FollowedWorld world, long... txids) {
    world
        .storage()
        .delete(
            Arrays.stream(txids).mapToObj(txid -> new LtxFileName(0, range(txid, txid))).toList());
  }

  private static TxidRange range(long min, long max) {
    return new TxidRange(new Txid(min), new Txid(max));
  }

  /** Stores a level-1 file of pages that need not be true. */
  private static void put(
      FollowedWorld world, LtxHeader header, Collection<Long> pgnos, LongFunction<byte[]> page) {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    pgnos.forEach(pgno -> pages.put(pgno, page.apply(pgno)));
    world
        .storage()
        .put(
            new LtxFileName(1, header.range()),
            new WholeFile(header, pages).encode(),
            world.primary().now());
  }

  private static LtxHeader header(int pageSize, long min, long max) {
    return LtxHeader.of(pageSize, 4, range(min, max), 1_800_000_000_000L);
  }

  private static byte[] foreign(int pageSize) {
    byte[] page = new byte[pageSize];
    Arrays.fill(page, (byte) 0x5a);
    return page;
  }

  @Test
  void aFileOfAnotherPageSizeIsNoSource() throws IOException {
    requireOnly(
        SourceRule.Condition.SAME_PAGE_SIZE,
        world -> {
          put(world, header(1024, 2, 3), List.of(2L, 3L, 4L), pgno -> foreign(1024));
          delete(world, 2);
          return world.latest();
        });
  }

  @Test
  void aFileWithoutThePageIsNoSource() throws IOException {
    requireOnly(
        SourceRule.Condition.HOLDS_THE_PAGE,
        world -> {
          put(world, header(512, 2, 3), List.of(3L, 4L), pgno -> foreign(512));
          delete(world, 2);
          return world.latest();
        });
  }

  /** It holds page 4 rightly, so that its index is read; page 2 in it was never followed. */
  @Test
  void aFileThatBeginsAfterTheBoundIsNoSource() throws IOException {
    requireOnly(
        SourceRule.Condition.BEGINS_BY_THE_BOUND,
        world -> {
          put(world, header(512, 3, 3), List.of(2L, 4L), pgno -> foreign(512));
          delete(world, 2, 3);
          return world.latest();
        });
  }

  /** Page 3 leads there; page 2 was written again at 4, which the file has not. */
  @Test
  void aFileThatEndsBeforeTheBoundIsNoSource() throws IOException {
    requireOnly(
        SourceRule.Condition.ENDS_AFTER_THE_BOUND,
        world -> {
          world.primary().commit(4, List.of(2L));
          world.poll();
          world.primary().compact(1, world.storage().files(0).subList(1, 3));
          delete(world, 2, 4);
          return world.latest();
        });
  }

  /** Nobody has looked since page 2 was written at 4. */
  @Test
  void aFileThatEndsBeyondWhatIsKnownIsNoSource() throws IOException {
    requireOnly(
        SourceRule.Condition.ENDS_WITHIN_WHAT_IS_KNOWN,
        world -> {
          world.primary().commit(4, List.of(2L));
          world.primary().compact(1, world.storage().files(0).subList(1, 4));
          delete(world, 2);
          return world.latest();
        });
  }

  @Test
  void aFileWithALaterVersionIsNoSource() throws IOException {
    requireOnly(
        SourceRule.Condition.PAGE_IS_UNCHANGED_UNTIL_ITS_END,
        world -> {
          View view = world.latest();
          world.primary().commit(4, List.of(2L));
          world.poll();
          world.primary().compact(1, world.storage().files(0).subList(1, 4));
          delete(world, 2);
          return view;
        });
  }

  /** The scenes are refused for one reason each, not because nothing is ever a source. */
  @Test
  void aFileThatMeetsEveryConditionIsASource() throws IOException {
    Map<String, Scene> scenes =
        Map.of(
            "inside the view",
            world -> {
              world.primary().compact(1, world.storage().files(0).subList(1, 3));
              delete(world, 2);
              return world.latest();
            },
            "a snapshot beyond the view",
            world -> {
              View view = world.latest();
              world.primary().commit(4, List.of(4L));
              world.poll();
              world.primary().snapshot();
              delete(world, 2);
              return view;
            },
            "a chain that is read first",
            world -> {
              View view = world.latest();
              world.primary().commit(4, List.of(4L));
              world.primary().snapshot();
              delete(world, 2);
              return view;
            });
    for (Map.Entry<String, Scene> scene : scenes.entrySet()) {
      assertEquals(EXACT, outcome(new SourceRule(), scene.getValue()), scene.getKey());
    }
  }
}
