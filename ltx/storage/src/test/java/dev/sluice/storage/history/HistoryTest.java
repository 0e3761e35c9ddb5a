package dev.sluice.storage.history;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The world of the other tests is what it says: its files give its history, by any plan. */
class HistoryTest {
  private final MemoryReplica replica = new MemoryReplica("memory:history");
  private final TestPrimary primary = new TestPrimary(replica, 512, 1);

  private void requireImage(Txid txid) throws PlanException {
    RestorePlan plan = RestorePlan.of(replica.listed(), new Target.AtTxid(txid));
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (LtxFile file : plan.files()) {
      WholeFile whole = WholeFile.decode(replica.content(file.name()).orElseThrow());
      pages.tailMap(whole.header().commit() + 1).clear();
      pages.putAll(whole.pages());
    }
    assertEquals(primary.history().commit(txid), pages.size());
    for (var page : pages.entrySet()) {
      assertArrayEquals(primary.history().page(txid, page.getKey()), page.getValue());
    }
  }

  @Test
  void everyTxidIsWhatItsFilesGive() throws PlanException {
    Random random = new Random(7);
    for (int i = 1; i <= 300; i++) {
      primary.commitAnything(random, 64);
    }
    List<LtxFile> files = replica.files(0);
    primary.compact(1, files.subList(0, 40));
    primary.compact(1, files.subList(40, 90));
    primary.compact(2, files.subList(20, 90));
    primary.snapshot(new Txid(120));
    for (int txid = 1; txid <= 300; txid++) {
      requireImage(new Txid(txid));
    }
  }

  @Test
  void aCompactionDropsWhatLiesBeyondItsCommitAndTheNewestWins() {
    LtxFile first = primary.commit(5, TestPrimary.all(5));
    LtxFile second = primary.commit(3, List.of(2L));
    LtxFile merged = primary.compact(1, List.of(first, second));
    WholeFile whole = WholeFile.decode(replica.content(merged.name()).orElseThrow());
    assertEquals(
        LtxHeader.of(512, 3, new TxidRange(Txid.FIRST, new Txid(2)), primary.now().toEpochMilli()),
        whole.header());
    assertEquals(List.of(1L, 2L, 3L), List.copyOf(whole.pages().keySet()));
    assertArrayEquals(primary.history().page(new Txid(2), 2), whole.pages().get(2L));
    primary.commit(3, List.of(1L));
    LtxFile fourth = primary.commit(3, List.of(1L));
    assertThrows(IllegalArgumentException.class, () -> primary.compact(1, List.of(second, fourth)));
  }

  @Test
  void twoDaysOfDefaultsLeaveTheFilesThatLitestreamLeaves() throws PlanException {
    LitestreamSchedule schedule = new LitestreamSchedule(primary);
    primary.commit(8, TestPrimary.all(8));
    for (int minute = 1; minute <= 2 * 24 * 60 - 1; minute++) {
      schedule.run();
      primary.advance(Duration.ofMinutes(1));
      primary.commit(8, List.of(1L + minute % 8));
    }
    schedule.run();
    assertTrue(replica.files(0).size() <= 7, "L0: " + replica.files(0).size());
    assertEquals(2, replica.files(9).size());
    assertEquals(2 * 24 * 60, replica.files(1).size(), 4);
    assertEquals(47, replica.files(3).size(), 1);
    requireImage(primary.history().txid());
    primary.advance(Duration.ofMinutes(1));
    primary.commit(8, List.of(1L));
    schedule.run();
    assertEquals(2, replica.files(9).size());
    assertEquals(24, replica.files(3).size(), 1);
    assertEquals(24 * 12, replica.files(2).size(), 2);
    assertEquals(24 * 60, replica.files(1).size(), 4);
    requireImage(primary.history().txid());
  }
}
