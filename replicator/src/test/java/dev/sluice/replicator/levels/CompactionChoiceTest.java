package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class CompactionChoiceTest {

  private static List<String> inputs(int level, HeldFiles held, long... beginnings) {
    Set<Txid> set = Arrays.stream(beginnings).mapToObj(Txid::new).collect(Collectors.toSet());
    return Held.texts(CompactionChoice.inputs(held, level, set));
  }

  private static List<String> inputs(int level, String... files) {
    return inputs(level, Held.files(files));
  }

  @Test
  void levelGoesOnWhereItEnds() {
    assertEquals(
        List.of("0:5-5", "0:6-6"), inputs(1, "9:1-1", "1:2-4", "0:3-3", "0:4-4", "0:5-5", "0:6-6"));
  }

  @Test
  void firstFileOfALevelBeginsAfterTheFirstImage() {
    assertEquals(List.of("0:2-2", "0:3-3"), inputs(1, "9:1-1", "0:2-2", "0:3-3"));
    assertEquals(List.of("0:2-2"), inputs(1, "9:1-1", "0:1-1", "0:2-2"));
    assertEquals(List.of("1:2-3"), inputs(2, "9:1-1", "9:1-9", "1:2-3"));
  }

  @Test
  void replicaWithoutSnapshotBeginsAtItsFirstFile() {
    assertEquals(List.of("0:1-1", "0:2-2"), inputs(1, "0:1-1", "0:2-2"));
  }

  @Test
  void nothingNewIsNothingToDo() {
    assertEquals(List.of(), inputs(1, "9:1-1", "0:2-2", "1:2-2"));
    assertEquals(List.of(), inputs(1, "9:1-1"));
    assertEquals(List.of(), inputs(2, "9:1-1", "0:2-2"));
  }

  @Test
  void gapStopsTheLevelBeforeIt() {
    assertEquals(List.of("0:2-2"), inputs(1, "9:1-1", "0:2-2", "0:4-4"));
    assertEquals(List.of(), inputs(1, "9:1-1", "0:2-2", "1:2-2", "0:4-4"));
  }

  @Test
  void gapIsPassedOnceASnapshotIsBehindIt() {
    assertEquals(
        List.of("0:7-7"), inputs(1, "9:1-1", "9:1-6", "1:2-2", "0:4-4", "0:5-5", "0:6-6", "0:7-7"));
  }

  @Test
  void unusableFileIsReplacedByWhatTheLevelBelowHolds() {
    HeldFiles held =
        Held.files(
            Set.of(Held.name("1:5-7")),
            "9:1-1",
            "1:2-4",
            "1:5-7",
            "1:8-9",
            "0:5-5",
            "0:6-6",
            "0:7-7",
            "0:8-8",
            "0:10-10");
    assertEquals(List.of("1:2-4", "0:5-5", "0:6-6", "0:7-7", "1:8-9"), inputs(2, held));
  }

  @Test
  void unusableFileAtTheEndOfALevelIsNotMadeAgain() {
    HeldFiles held =
        Held.files(Set.of(Held.name("1:2-4")), "9:1-1", "1:2-4", "0:2-2", "0:3-3", "0:4-4");
    assertEquals(List.of(), inputs(1, held));
  }

  @Test
  void inputsEndWhereHistoryBeginsAnewAndGoOnBehindIt() {
    HeldFiles before = Held.files("9:1-1", "9:1-4", "0:2-2", "0:3-3", "0:4-4", "0:5-5");
    assertEquals(List.of("0:2-2", "0:3-3"), inputs(1, before, 4));
    HeldFiles after = Held.files("9:1-1", "9:1-4", "1:2-3", "0:4-4", "0:5-5");
    assertEquals(List.of("0:5-5"), inputs(1, after, 4));
  }

  @Test
  void longestFileOfOverlappingOnesIsTaken() {
    assertEquals(List.of("1:2-9"), inputs(2, "9:1-1", "1:2-4", "1:2-9", "1:5-9"));
  }

  @Test
  void veryManyInputsAreTakenInParts() {
    List<String> files = new ArrayList<>(List.of("9:1-1"));
    for (int txid = 2; txid < 3_000; txid++) {
      files.add("0:" + txid + "-" + txid);
    }
    List<String> inputs = inputs(1, files.toArray(String[]::new));
    assertEquals(CompactionChoice.INPUTS_MAX, inputs.size());
    assertEquals("0:2-2", inputs.get(0));
  }
}
