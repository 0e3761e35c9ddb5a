package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageMapMoveTest {
  private static final int PAGE_SIZE = 512;
  private static final int PAGES_MAX = 3000;
  private static final int RESCUED = -1;

  /** A page of the model: its frame, and the bound. */
  private record Version(PageMap.Frame frame, long bound) {}

  /** What a map must be for as long as somebody has it. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Kept(PageMap map, Version[] model) {}

  @Test
  void everyHistoryOfAppliesShrinksAndMovesGivesWhatAModelGives() throws IOException {
    long base = 20_261;
    System.out.println("page map histories, seeds " + base + " to " + (base + 149));
    for (long seed = base; seed < base + 150; seed++) {
      new History(seed).run();
    }
  }

  private static final class History {
    private final Random random;
    private final String name;
    private final List<Kept> kept = new ArrayList<>();
    private Version[] model = new Version[PAGES_MAX + 1];
    private PageMap map = PageMap.EMPTY;
    private int commit;
    private int txid = 1;
    private int nextFile;

    History(long seed) {
      random = new Random(seed);
      name = "seed " + seed;
    }

    void run() throws IOException {
      int pagesMax = random.nextBoolean() ? 40 : PAGES_MAX;
      for (int step = 0; step < 120; step++) {
        model = model.clone();
        int kind = random.nextInt(17);
        if (kind == 0) {
          raise();
        } else if (kind == 16) {
          share();
        } else if (kind < 5) {
          move();
        } else {
          applySome(pagesMax);
        }
        assertArrayEquals(filesOf(model), map.files(), name);
        if (random.nextInt(10) == 0) {
          kept.add(new Kept(map, model));
        }
      }
      kept.add(new Kept(map, model));
      for (Kept one : kept) {
        requireSame(one.model(), one.map(), name);
      }
    }

    private void applySome(int pagesMax) throws IOException {
      List<PageMap.Change> changes = new ArrayList<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        commit =
            switch (random.nextInt(6)) {
              case 0 -> random.nextInt(pagesMax + 1);
              case 1 -> pagesMax;
              case 2 -> Math.max(0, commit - random.nextInt(100));
              default -> commit;
            };
        TreeSet<Long> pgnos = new TreeSet<>();
        int count = random.nextInt(20) == 0 ? pagesMax : random.nextInt(5);
        for (int page = 0; commit > 0 && page < count; page++) {
          pgnos.add(1L + random.nextInt(commit));
        }
        txid++;
        PageIndex index = index(txid, commit, pgnos);
        changes.add(new PageMap.Change(nextFile, new Txid(txid), index, commit));
        Arrays.fill(model, commit + 1, model.length, null);
        for (int entry = 0; entry < index.count(); entry++) {
          PageMap.Frame frame =
              new PageMap.Frame(nextFile, index.offset(entry), index.frameBytes(entry));
          model[(int) index.pgno(entry)] = new Version(frame, txid);
        }
        nextFile++;
      }
      map = map.apply(changes);
    }

    private void move() throws ViewException {
      int share = 1 + random.nextInt(8);
      int stay = random.nextInt(3);
      int targets = 1 + random.nextInt(3);
      IntPredicate isLeaving = file -> (file * 31) % share == 0;
      List<Long> asked = new ArrayList<>();
      PageMap before = map;
      map =
          before.moved(
              isLeaving,
              (pgno, file, bound) -> {
                Version version = model[(int) pgno];
                assertEquals(version.frame().file(), file, name);
                assertEquals(version.bound(), bound.value(), name);
                asked.add(pgno);
                if (stay > 0 && random.nextInt(stay + 1) > 0) {
                  return null;
                }
                PageMap.Frame to = target(targets);
                model[(int) pgno] = new Version(to, version.bound());
                return to;
              });
      List<Long> expected =
          LongStream.rangeClosed(1, PAGES_MAX)
              .filter(pgno -> before.contains(pgno) && isLeaving.test(before.fileNumber(pgno)))
              .boxed()
              .toList();
      assertEquals(expected, asked, name);
    }

    private void raise() {
      long step = 1L + random.nextInt(10);
      map = map.raised(file -> new Txid(Math.max(0, file) * step % 40));
      for (int pgno = 0; pgno < model.length; pgno++) {
        Version version = model[pgno];
        if (version != null) {
          long reach = Math.max(0, version.frame().file()) * step % 40;
          model[pgno] =
              new Version(
                  version.frame(),
                  Long.compareUnsigned(reach, version.bound()) > 0 ? reach : version.bound());
        }
      }
    }

    /** All that somebody has, in any order. */
    private void share() {
      LeafSharing sharing = new LeafSharing();
      boolean isLast = random.nextBoolean();
      if (!isLast) {
        map = map.sharing(sharing);
      }
      Collections.shuffle(kept, random);
      kept.replaceAll(each -> new Kept(each.map().sharing(sharing), each.model()));
      if (isLast) {
        map = map.sharing(sharing);
      }
    }

    private PageMap.Frame target(int targets) {
      int file = random.nextInt(targets + 1) == 0 ? RESCUED : nextFile + random.nextInt(targets);
      long offset = random.nextInt(4) == 0 ? PageMap.OFFSET_MAX : random.nextLong(1L << 40);
      int bytes = random.nextInt(4) == 0 ? 65_536 : 1 + random.nextInt(4096);
      return new PageMap.Frame(file, offset, bytes);
    }
  }

  private static void requireSame(Version[] model, PageMap map, String what) {
    for (int pgno = 0; pgno < model.length; pgno++) {
      Version version = model[pgno];
      assertEquals(version != null, map.contains(pgno), what + " page " + pgno);
      if (version != null) {
        assertEquals(version.frame(), map.frame(pgno), what + " page " + pgno);
        assertEquals(version.bound(), map.bound(pgno).value(), what + " page " + pgno);
        assertEquals(version.frame().file(), map.fileNumber(pgno), what + " page " + pgno);
        assertEquals(version.frame().offset(), map.offset(pgno), what + " page " + pgno);
        assertEquals(version.frame().bytes(), map.frameBytes(pgno), what + " page " + pgno);
      }
    }
    assertArrayEquals(filesOf(model), map.files(), what);
    for (int share = 1; share < 5; share++) {
      requireSameVisits(model, map, share, what);
    }
  }

  private static void requireSameVisits(Version[] model, PageMap map, int share, String what) {
    IntPredicate isMeant = file -> file % share == 0;
    List<String> visited = new ArrayList<>();
    map.forEach(
        isMeant, (pgno, frame, bound) -> visited.add(pgno + " " + frame + " " + bound.value()));
    List<String> expected = new ArrayList<>();
    for (int pgno = 0; pgno < model.length; pgno++) {
      if (model[pgno] != null && isMeant.test(model[pgno].frame().file())) {
        expected.add(pgno + " " + model[pgno].frame() + " " + model[pgno].bound());
      }
    }
    assertEquals(expected, visited, what);
  }

  private static int[] filesOf(Version[] model) {
    return Arrays.stream(model)
        .filter(Objects::nonNull)
        .mapToInt(version -> version.frame().file())
        .sorted()
        .distinct()
        .toArray();
  }

  @Test
  void aMoveOfNothingIsTheSameMap() throws IOException {
    PageMap map = PageMap.EMPTY.apply(List.of(change(7, 2, 500, all(500))));
    assertSame(map, map.moved(file -> false, (pgno, file, bound) -> new PageMap.Frame(1, 1, 1)));
    assertSame(map, map.moved(file -> true, (pgno, file, bound) -> null));
  }

  @Test
  void pagesThatAllMoveLeaveNothingOfTheirFile() throws IOException {
    PageMap map = PageMap.EMPTY.apply(List.of(change(7, 2, 500, all(500))));
    PageMap moved =
        map.moved(file -> file == 7, (pgno, file, bound) -> new PageMap.Frame(-1, pgno, 65_536));
    assertArrayEquals(new int[] {-1}, moved.files());
    assertEquals(1, moved.sourceCount());
    assertEquals(new PageMap.Frame(-1, 500, 65_536), moved.frame(500));
    assertEquals(new Txid(2), moved.bound(500));
    assertArrayEquals(new int[] {7}, map.files());
  }

  @Test
  void aMoveThroughMorePairsThanFitAtOnceSucceedsIfTheOldOnesGo() throws IOException {
    int pages = 60_000;
    PageMap map = spread(pages);
    PageMap moved = map.moved(file -> true, (pgno, file, bound) -> new PageMap.Frame(-1, pgno, 1));
    assertArrayEquals(new int[] {-1}, moved.files());
    for (long pgno = 1; pgno <= pages; pgno++) {
      assertEquals(map.bound(pgno), moved.bound(pgno));
      assertEquals(pgno, moved.offset(pgno));
    }
    assertEquals(pages, moved.sourceCount());
  }

  @Test
  void aMoveToMorePairsThanThereAreNumbersIsAnError() throws IOException {
    PageMap map = spread(65_500);
    assertThrows(
        ViewException.TooManyFiles.class,
        () -> map.moved(file -> true, (pgno, file, bound) -> new PageMap.Frame(-1, pgno, 1)));
    assertEquals(65_500, map.files().length);
  }

  /** Each made its move alone, in the way of views that are pinned one after the other. */
  @Test
  void mapsThatMovedTheirPagesShareAgainWhatTheyHaveInCommon() throws IOException {
    int pages = 1_000_000;
    List<PageMap> maps = new ArrayList<>();
    maps.add(PageMap.EMPTY.apply(List.of(change(0, 2, pages, all(pages)))));
    for (int i = 1; i < 20; i++) {
      maps.add(maps.get(i - 1).apply(List.of(change(i, i + 2, pages, List.of(i * 1000L)))));
    }
    List<PageMap> moved = new ArrayList<>();
    for (PageMap map : maps) {
      moved.add(
          map.moved(
              file -> file == 0,
              (pgno, file, bound) -> new PageMap.Frame(100, map.offset(pgno) + 5, 77)));
    }
    LeafSharing sharing = new LeafSharing();
    List<PageMap> shared = new ArrayList<>();
    long start = System.nanoTime();
    for (PageMap map : moved) {
      shared.add(map.sharing(sharing));
    }
    long sharedNanos = System.nanoTime();
    LeafSharing again = new LeafSharing();
    for (PageMap map : shared) {
      assertSame(map, map.sharing(again));
    }
    long end = System.nanoTime();
    System.out.printf(
        "page maps of 20 views of %d pages: leaves take %d MB followed, %d MB moved, %d MB shared;"
            + " sharing took %d ms, once more %d ms%n",
        pages,
        leafBytes(maps) >> 20,
        leafBytes(moved) >> 20,
        leafBytes(shared) >> 20,
        (sharedNanos - start) / 1_000_000,
        (end - sharedNanos) / 1_000_000);
    assertEquals(leafBytes(maps), leafBytes(shared));
    for (int i = 0; i < maps.size(); i++) {
      for (long pgno = 1; pgno <= pages; pgno += 500) {
        assertEquals(moved.get(i).frame(pgno), shared.get(i).frame(pgno));
        assertEquals(maps.get(i).bound(pgno), shared.get(i).bound(pgno));
      }
      assertArrayEquals(moved.get(i).files(), shared.get(i).files());
      assertSame(shared.get(i), shared.get(i).sharing(sharing));
    }
  }

  private static long leafBytes(List<PageMap> maps) {
    Set<long[]> leaves = Collections.newSetFromMap(new IdentityHashMap<>());
    maps.forEach(map -> map.collectLeaves(leaves));
    return leaves.stream().mapToLong(leaf -> (long) leaf.length * Long.BYTES).sum();
  }

  /** Two maps without a row in common need 80,000 numbers. */
  @Test
  void aMapWhoseRowsDoNotFitBesideTheOthersStaysAsItIs() throws IOException {
    LeafSharing sharing = new LeafSharing();
    PageMap one = spread(40_000);
    PageMap other =
        spread(40_000).moved(file -> true, (pgno, file, bound) -> new PageMap.Frame(-1, pgno, 1));
    assertSame(one, one.sharing(sharing));
    assertSame(other, other.sharing(sharing));
    assertSame(one, one.sharing(sharing));
  }

  @Test
  void pagesThatACompactionBroughtTogetherNeedOneRowOnceTheirBoundsAreRaised() throws IOException {
    int pages = 40_000;
    PageMap map =
        spread(pages).moved(file -> true, (pgno, file, bound) -> new PageMap.Frame(-1, pgno, 1));
    assertTrue(map.isCrowded());
    PageMap raised = map.raised(file -> new Txid(pages + 1L));
    assertFalse(raised.isCrowded());
    assertEquals(1, raised.sourceCount());
    assertEquals(new Txid(pages + 1L), raised.bound(1));
    assertEquals(new PageMap.Frame(-1, pages, 1), raised.frame(pages));
    assertEquals(new Txid(2), map.bound(1));
  }

  /** Each page from a file of its own. */
  private static PageMap spread(int pages) throws IOException {
    List<PageMap.Change> changes = new ArrayList<>();
    for (int pgno = 1; pgno <= pages; pgno++) {
      changes.add(change(pgno, pgno + 1, pages, List.of((long) pgno)));
    }
    return PageMap.EMPTY.apply(changes);
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 1_000_000})
  void rowsOfFilesThatAreNotNeededGoWhileAMapIsFollowed(int commit) throws IOException {
    long seed = 11;
    Random random = new Random(seed);
    List<PageIndex> indexes = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      TreeSet<Long> pgnos = new TreeSet<>();
      for (int page = random.nextInt(3); page >= 0; page--) {
        pgnos.add(1L + random.nextInt(commit));
      }
      indexes.add(index(3, commit, pgnos));
    }
    PageMap map = PageMap.EMPTY.apply(List.of(change(0, 2, commit, all(commit))));
    int applies = 200_000;
    int sourcesMax = 0;
    int[] newest = new int[indexes.size()];
    long start = System.nanoTime();
    for (int i = 1; i <= applies; i++) {
      int which = random.nextInt(indexes.size());
      newest[which] = i;
      map = map.apply(List.of(new PageMap.Change(i, new Txid(i), indexes.get(which), commit)));
      sourcesMax = Math.max(sourcesMax, map.sourceCount());
    }
    System.out.printf(
        "page map, %d follow-on applies over %d pages (seed %d): %.1f us each, at most %d rows%n",
        applies, commit, seed, (System.nanoTime() - start) / 1000.0 / applies, sourcesMax);
    assertTrue(sourcesMax <= 2 * (indexes.size() + 1) + 64, sourcesMax + " rows");
    assertTrue(sourcesMax > 100, "not measured: " + sourcesMax);
    for (int which = 0; which < newest.length; which++) {
      long pgno = indexes.get(which).pgno(0);
      assertTrue(map.fileNumber(pgno) >= newest[which], "page " + pgno);
    }
    assertFalse(map.contains(commit + 1L));
  }

  private static List<Long> all(int commit) {
    return LongStream.rangeClosed(1, commit).boxed().toList();
  }

  private static PageMap.Change change(int file, long txid, long commit, List<Long> pgnos)
      throws IOException {
    return new PageMap.Change(file, new Txid(txid), index(txid, commit, pgnos), commit);
  }

  private static PageIndex index(long txid, long commit, Iterable<Long> pgnos) throws IOException {
    LtxHeader header =
        LtxHeader.of(PAGE_SIZE, commit, new TxidRange(new Txid(txid), new Txid(txid)), 0);
    byte[] page = new byte[PAGE_SIZE];
    try (LtxEncoder encoder = new LtxEncoder(OutputStream.nullOutputStream(), header)) {
      for (long pgno : pgnos) {
        page[0] = (byte) pgno;
        encoder.page(pgno, page);
      }
      encoder.finish();
      return encoder.index();
    }
  }
}
