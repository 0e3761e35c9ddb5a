package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.time.Instant;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RestorePlanTest {
  private static final Target.Latest LATEST = new Target.Latest();

  @Test
  void thePlanBeginsAtTheNewestSnapshotAndReachesFurthestEachTime() throws Exception {
    List<LtxFile> files =
        List.of(
            file(9, 1, 1),
            file(9, 1, 10),
            file(0, 9, 9),
            file(0, 10, 10),
            file(0, 11, 11),
            file(0, 12, 12),
            file(0, 13, 13),
            file(1, 11, 12),
            file(2, 9, 11));
    assertPlan("L9 1-10, L1 11-12, L0 13-13", RestorePlan.of(files, LATEST));
    assertPlan("L9 1-10, L2 9-11", RestorePlan.of(files, at(11)));
    assertPlan("L9 1-10", RestorePlan.of(files, at(10)));
    assertPlan("L9 1-1", RestorePlan.of(files, at(1)));
  }

  @Test
  void aPlanNeedsNoSnapshotIfItsFilesBeginAtOne() throws Exception {
    List<LtxFile> files = List.of(file(0, 3, 3), file(0, 2, 2), file(0, 1, 1), file(1, 1, 2));
    assertPlan("L1 1-2, L0 3-3", RestorePlan.of(files, LATEST));
    assertPlan("L0 1-1", RestorePlan.of(files, at(1)));
  }

  @Test
  void tiesGoToTheSmallestMinThenTheHighestLevel() throws Exception {
    List<LtxFile> files =
        new ArrayList<>(
            List.of(file(9, 1, 5), file(1, 6, 9), file(2, 5, 9), file(3, 6, 9), file(4, 5, 9)));
    for (int seed = 0; seed < 20; seed++) {
      Collections.shuffle(files, new Random(seed));
      assertPlan("L9 1-5, L4 5-9", RestorePlan.of(files, LATEST));
    }
  }

  @Test
  void txidsAreUnsigned() throws Exception {
    List<LtxFile> files =
        List.of(
            file(9, 1, Long.MAX_VALUE),
            file(0, Long.MIN_VALUE, Long.MIN_VALUE),
            file(0, Long.MIN_VALUE + 1, -1));
    RestorePlan plan = RestorePlan.of(files, LATEST);
    assertEquals(Txid.MAX, plan.txid());
    assertEquals(3, plan.files().size());
    assertEquals(new Txid(Long.MIN_VALUE), RestorePlan.of(files, at(Long.MIN_VALUE)).txid());
  }

  @Test
  void anEmptyReplicaHasNoFilesYet() {
    PlanException.NoFiles e =
        assertThrows(PlanException.NoFiles.class, () -> RestorePlan.of(List.of(), LATEST));
    assertEquals("no files yet", e.getMessage());
    assertThrows(PlanException.NoFiles.class, () -> RestorePlan.of(List.of(), at(1)));
  }

  @Test
  void aHistoryWithoutItsFirstFileHasAGapThere() {
    PlanException.Gap e =
        assertThrows(
            PlanException.Gap.class,
            () -> RestorePlan.of(List.of(file(0, 2, 2), file(1, 2, 9)), LATEST));
    assertEquals(Txid.NONE, e.lastGood());
    assertEquals(Txid.FIRST, e.missing());
    assertTrue(String.valueOf(e.getMessage()).contains("0000000000000001"), e.getMessage());
  }

  @Test
  void theFurthestPlanEndsBeforeAGap() {
    RestorePlan plan = RestorePlan.furthest(List.of(file(9, 1, 5), file(0, 6, 6), file(1, 8, 9)));
    assertPlan("L9 1-5, L0 6-6", plan);
    RestorePlan none = RestorePlan.furthest(List.of(file(0, 2, 2)));
    assertEquals(Txid.NONE, none.txid());
    assertEquals(List.of(), none.files());
  }

  @Test
  void theLatestPlanNeverStopsShortOfAFileBeyondAGap() throws Exception {
    for (int level = 0; level <= 9; level++) {
      List<LtxFile> files = List.of(file(9, 1, 3), file(0, 4, 4), file(level, 6, 7));
      PlanException.Gap e =
          assertThrows(PlanException.Gap.class, () -> RestorePlan.of(files, LATEST));
      assertEquals(new Txid(4), e.lastGood());
      assertEquals(new Txid(5), e.missing());
      assertEquals(
          "the history has a gap: the last good TXID is 0000000000000004, TXID 0000000000000005 is missing",
          e.getMessage());
      assertEquals(new Txid(4), RestorePlan.of(files, at(4)).txid());
      assertThrows(PlanException.Gap.class, () -> RestorePlan.of(files, at(7)));
      assertThrows(PlanException.Gap.class, () -> RestorePlan.of(files, at(6)));
    }
  }

  @Test
  void aTxidAtWhichNoFileEndsNamesItsNeighbours() {
    List<LtxFile> files =
        List.of(file(9, 1, 3), file(1, 4, 6), file(0, 9, 9), file(1, 7, 10), file(0, 11, 11));
    assertNotReachable(files, 5, Optional.of(3L), Optional.of(6L), Optional.empty());
    assertNotReachable(files, 2, Optional.empty(), Optional.of(3L), Optional.empty());
    // L0 9 is left over: 7 and 8 are only in the compacted file.
    assertNotReachable(files, 9, Optional.of(6L), Optional.of(10L), Optional.empty());
    assertNotReachable(
        files,
        12,
        Optional.of(11L),
        Optional.empty(),
        Optional.of(
            "TXID 000000000000000c is not reachable: the nearest below is 000000000000000b, above none"));
  }

  /** Counts how often a file is looked at. */
  private static final class CountingList extends AbstractList<LtxFile> {
    private final List<LtxFile> files;
    private long steps;

    CountingList(List<LtxFile> files) {
      this.files = files;
    }

    @Override
    public LtxFile get(int i) {
      steps++;
      return files.get(i);
    }

    @Override
    public int size() {
      return files.size();
    }
  }

  @Test
  void theNextReachableTxidTakesFewStepsHoweverManyFilesThereAre() {
    int count = 100_000;
    List<LtxFile> withoutFirst = new ArrayList<>();
    for (int txid = 2; txid <= count; txid++) {
      withoutFirst.add(file(0, txid, txid));
    }
    CountingList cut = new CountingList(withoutFirst);
    assertEquals(Optional.empty(), RestorePlan.smallestReachableAfter(cut, new Txid(1)));
    assertTrue(cut.steps <= 3L * count, cut.steps + " steps");
    withoutFirst.add(0, file(9, 1, count - 1));
    CountingList whole = new CountingList(withoutFirst);
    assertEquals(
        Optional.of(new Txid(count - 1)), RestorePlan.smallestReachableAfter(whole, new Txid(1)));
    assertTrue(whole.steps <= 3L * count, whole.steps + " steps");
  }

  @Test
  void anExcludedFileIsAvoidedWhereOthersCoverIt() throws Exception {
    LtxFile bad = file(1, 4, 6);
    List<LtxFile> files =
        List.of(file(9, 1, 3), bad, file(0, 4, 4), file(0, 5, 5), file(0, 6, 6), file(0, 7, 7));
    assertPlan("L9 1-3, L1 4-6, L0 7-7", RestorePlan.of(files, LATEST));
    assertPlan(
        "L9 1-3, L0 4-4, L0 5-5, L0 6-6, L0 7-7", RestorePlan.of(files, LATEST, Set.of(bad)));
  }

  @Test
  void anExcludedNewestFileIsNotPassedOverForAnOlderState() throws Exception {
    LtxFile bad = file(0, 5, 5);
    List<LtxFile> files = List.of(file(9, 1, 3), file(0, 4, 4), bad);
    PlanException.Gap e =
        assertThrows(PlanException.Gap.class, () -> RestorePlan.of(files, LATEST, Set.of(bad)));
    assertEquals(new Txid(5), e.missing());
    assertThrows(PlanException.Gap.class, () -> RestorePlan.of(files, at(5), Set.of(bad)));
    assertEquals(new Txid(4), RestorePlan.of(files, at(4), Set.of(bad)).txid());
    assertThrows(PlanException.Gap.class, () -> RestorePlan.of(List.of(bad), LATEST, Set.of(bad)));
  }

  @Test
  void txidZeroIsNeverReachable() {
    assertThrows(
        PlanException.NotReachable.class, () -> RestorePlan.of(List.of(file(0, 1, 1)), at(0)));
  }

  /**
   * Against a search over all chains: what can be reached is reached, by files that follow one
   * another.
   */
  @Test
  void randomReplicasArePlannedAsAnExhaustiveSearchSays() {
    for (int seed = 0; seed < 3000; seed++) {
      Random random = new Random(seed);
      List<LtxFile> files = randomFiles(random);
      Set<LtxFile> excluding = new HashSet<>();
      for (LtxFile file : files) {
        if (random.nextInt(8) == 0) {
          excluding.add(file);
        }
      }
      NavigableSet<Long> reachable = reachable(files, excluding);
      for (long target = 1; target <= 16; target++) {
        assertAt(seed, files, excluding, reachable, target);
      }
      assertLatest(seed, files, excluding, reachable);
    }
  }

  private static void assertAt(
      int seed,
      List<LtxFile> files,
      Set<LtxFile> excluding,
      NavigableSet<Long> reachable,
      long target) {
    String at = "seed " + seed + " target " + target;
    try {
      RestorePlan plan = RestorePlan.of(files, at(target), excluding);
      assertTrue(reachable.contains(target), at);
      assertEquals(new Txid(target), plan.txid(), at);
      assertFollows(at, files, plan, excluding, target);
    } catch (PlanException.NotReachable e) {
      assertFalse(reachable.contains(target), at);
      assertEquals(Optional.ofNullable(reachable.lower(target)).map(Txid::new), e.below(), at);
      assertEquals(Optional.ofNullable(reachable.higher(target)).map(Txid::new), e.above(), at);
    } catch (PlanException.Gap e) {
      assertFalse(reachable.contains(target), at);
      assertEquals(Optional.empty(), Optional.ofNullable(reachable.higher(target)), at);
      assertTrue(files.stream().anyMatch(file -> file.name().range().max().value() >= target), at);
    } catch (PlanException e) {
      assertTrue(files.isEmpty(), at);
    }
  }

  private static void assertLatest(
      int seed, List<LtxFile> files, Set<LtxFile> excluding, NavigableSet<Long> reachable) {
    String at = "seed " + seed + " latest";
    long greatest =
        files.stream().mapToLong(file -> file.name().range().max().value()).max().orElse(0);
    try {
      RestorePlan plan = RestorePlan.of(files, LATEST, excluding);
      assertEquals(new Txid(greatest), plan.txid(), at);
      assertFollows(at, files, plan, excluding, greatest);
    } catch (PlanException.Gap e) {
      assertFalse(reachable.contains(greatest), at);
      assertEquals(new Txid(reachable.isEmpty() ? 0 : reachable.last()), e.lastGood(), at);
    } catch (PlanException e) {
      assertTrue(files.isEmpty(), at);
    }
  }

  private static void assertFollows(
      String at, List<LtxFile> files, RestorePlan plan, Set<LtxFile> excluding, long target) {
    Txid reached = Txid.NONE;
    for (LtxFile file : plan.files()) {
      assertTrue(file.name().range().follows(reached), at + ": " + plan);
      reached = file.name().range().max();
    }
    assertEquals(plan.txid(), reached, at);
    List<LtxFile> fitting =
        files.stream()
            .filter(
                file -> !excluding.contains(file) && file.name().range().max().value() <= target)
            .toList();
    assertEquals(stepByStep(fitting), plan.files(), at);
  }

  /** The rule as the specification says it, over all files at each step; TXIDs here are small. */
  private static List<LtxFile> stepByStep(List<LtxFile> files) {
    List<LtxFile> chosen = new ArrayList<>();
    long reached = 0;
    for (LtxFile file : files) {
      if (file.name().level() == 9 && file.name().range().max().value() > reached) {
        chosen = new ArrayList<>(List.of(file));
        reached = file.name().range().max().value();
      }
    }
    while (true) {
      @Nullable LtxFile best = null;
      for (LtxFile file : files) {
        TxidRange range = file.name().range();
        boolean follows = range.min().value() <= reached + 1 && range.max().value() > reached;
        if (follows && (best == null || isBetter(file.name(), best.name()))) {
          best = file;
        }
      }
      if (best == null) {
        return chosen;
      }
      chosen.add(best);
      reached = best.name().range().max().value();
    }
  }

  private static boolean isBetter(LtxFileName a, LtxFileName b) {
    if (!a.range().max().equals(b.range().max())) {
      return a.range().max().isAfter(b.range().max());
    }
    return a.range().min().equals(b.range().min())
        ? a.level() > b.level()
        : a.range().min().isBefore(b.range().min());
  }

  /**
   * Returns every TXID at which a chain of usable files that begins at 1 can end, found without any
   * preference.
   */
  private static NavigableSet<Long> reachable(List<LtxFile> files, Set<LtxFile> excluding) {
    TreeSet<Long> reached = new TreeSet<>(Set.of(0L));
    boolean isGrowing = true;
    while (isGrowing) {
      isGrowing = false;
      for (LtxFile file : files) {
        for (long last : List.copyOf(reached)) {
          if (!excluding.contains(file) && file.name().range().follows(new Txid(last))) {
            isGrowing |= reached.add(file.name().range().max().value());
          }
        }
      }
    }
    reached.remove(0L);
    return reached;
  }

  private static List<LtxFile> randomFiles(Random random) {
    Set<LtxFile> files = new HashSet<>();
    int count = random.nextInt(14);
    for (int i = 0; i < count; i++) {
      int level = random.nextInt(10);
      long min = level == 9 ? 1 : 1 + random.nextInt(12);
      files.add(file(level, min, min + random.nextInt(4)));
    }
    List<LtxFile> shuffled = new ArrayList<>(files);
    Collections.shuffle(shuffled, random);
    return shuffled;
  }

  private static void assertNotReachable(
      List<LtxFile> files,
      long target,
      Optional<Long> below,
      Optional<Long> above,
      Optional<String> message) {
    PlanException.NotReachable e =
        assertThrows(PlanException.NotReachable.class, () -> RestorePlan.of(files, at(target)));
    assertEquals(below.map(Txid::new), e.below());
    assertEquals(above.map(Txid::new), e.above());
    message.ifPresent(expected -> assertEquals(expected, e.getMessage()));
  }

  private static void assertPlan(String expected, RestorePlan plan) {
    String actual =
        String.join(
            ", ",
            plan.files().stream()
                .map(LtxFile::name)
                .map(
                    name ->
                        "L"
                            + name.level()
                            + " "
                            + name.range().min().value()
                            + "-"
                            + name.range().max().value())
                .toList());
    assertEquals(expected, actual);
  }

  private static Target.AtTxid at(long txid) {
    return new Target.AtTxid(new Txid(txid));
  }

  private static LtxFile file(int level, long min, long max) {
    LtxFileName name = new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max)));
    return new LtxFile(name, 200, Instant.EPOCH, "v1");
  }
}
