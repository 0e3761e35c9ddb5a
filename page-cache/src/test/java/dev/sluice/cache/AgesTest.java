package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is learned of retention, by a storage whose time stands still between its files. */
class AgesTest {
  private static final Instant BEGUN = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration LITESTREAM_DEFAULT = Duration.ofMinutes(5);

  private final Ages ages = new Ages(() -> 0);

  private static LtxFile file(int level, long txid, int second) {
    LtxFileName name =
        new LtxFileName(level, new TxidRange(new Txid(level == 0 ? txid : 1), new Txid(txid)));
    return new LtxFile(name, 100, BEGUN.plusSeconds(second), "version");
  }

  @Test
  void theLeastAgeAtWhichAFileWentCounts() {
    LtxFile first = file(0, 1, 0);
    LtxFile second = file(0, 2, 50);
    LtxFile third = file(0, 3, 80);
    assertEquals(LITESTREAM_DEFAULT, ages.levelZeroAge());
    ages.observe(List.of(first, second, third), List.of(second, third));
    assertEquals(Duration.ofSeconds(80), ages.levelZeroAge());
    ages.observe(List.of(second, third), List.of(third));
    assertEquals(Duration.ofSeconds(30), ages.levelZeroAge());
    ages.observe(List.of(first, third), List.of(third));
    assertEquals(Duration.ofSeconds(30), ages.levelZeroAge());
  }

  /** A listing that leaves a young file out once must not count for ever. */
  @Test
  void filesThatStayThoughNobodyNeedsThemRaiseTheAge() {
    LtxFile young = file(0, 3, 299);
    LtxFile newest = file(0, 4, 300);
    LtxFile compacted = file(1, 4, 300);
    ages.observe(List.of(young, newest), List.of(newest));
    assertEquals(Duration.ofSeconds(1), ages.levelZeroAge());
    LtxFile old = file(0, 1, 100);
    ages.observe(List.of(newest), List.of(old, newest));
    assertEquals(Duration.ofSeconds(1), ages.levelZeroAge(), "no other level has its TXIDs");
    ages.observe(List.of(newest), List.of(old, newest, compacted));
    assertEquals(Duration.ofSeconds(100), ages.levelZeroAge());
    assertEquals(Set.of(old), ages.expiring(List.of(old, newest, compacted)));
    ages.observe(List.of(newest), List.of(old, file(0, 9, 10_000), file(9, 9, 10_000)));
    assertEquals(LITESTREAM_DEFAULT, ages.levelZeroAge(), "no more than was ever assumed");
  }
}
