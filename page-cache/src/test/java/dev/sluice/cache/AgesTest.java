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
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What is learned of retention, by a clock that stands still unless a test sets it forward. */
class AgesTest {
  private static final Instant BEGUN = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration LITESTREAM_DEFAULT = Duration.ofMinutes(5);

  private final AtomicLong nanos = new AtomicLong();
  private final Ages ages = new Ages(nanos::get);

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

  @Test
  void aFileThatAListingLeftOutOnceHasNotGone() {
    LtxFile first = file(0, 1, 0);
    LtxFile young = file(0, 3, 299);
    LtxFile newest = file(0, 4, 300);
    ages.observe(List.of(first, young, newest), List.of(first, newest));
    assertEquals(Duration.ofSeconds(1), ages.levelZeroAge(), "so it must be feared");
    ages.observe(List.of(first, newest), List.of(first, young, newest));
    assertEquals(LITESTREAM_DEFAULT, ages.levelZeroAge());
    ages.observe(List.of(first, young, newest), List.of(first, newest));
    ages.observe(List.of(first, newest), List.of(first, newest));
    ages.observe(List.of(first, newest), List.of(first, young, newest));
    assertEquals(Duration.ofSeconds(1), ages.levelZeroAge(), "two listings agreed");
  }

  /** Retention keeps the newest file of a level, and may forget one: their ages say nothing. */
  @Test
  void whileNobodyWritesWhatWasSeenIsNotForgotten() {
    LtxFile gone = file(0, 1, 270);
    LtxFile newest = file(0, 2, 300);
    ages.observe(List.of(gone, newest), List.of(newest));
    for (int second = 600; second < 6000; second += 300) {
      List<LtxFile> now = List.of(newest, file(1, 2, 300), file(9, 2, second));
      ages.observe(now, now);
    }
    assertEquals(Duration.ofSeconds(30), ages.levelZeroAge());
  }

  @Test
  void timeThatPassesWithoutFilesCounts() {
    LtxFile old = file(0, 1, 0);
    List<LtxFile> listed = List.of(old, file(1, 1, 0), file(9, 1, 0));
    ages.observe(listed, listed);
    assertEquals(Set.of(), ages.expiring(listed));
    nanos.addAndGet(LITESTREAM_DEFAULT.toNanos());
    ages.observe(listed, listed);
    assertEquals(Set.of(old), ages.expiring(listed));
  }

  /** After an outage a writer stores what it has kept, each file with the time of its commit. */
  @Test
  void filesThatComeLateDoNotMakeTheOthersYounger() {
    LtxFile old = file(0, 1, 0);
    List<LtxFile> listed = List.of(old, file(1, 1, 0), file(9, 1, 0));
    ages.observe(listed, listed);
    nanos.addAndGet(LITESTREAM_DEFAULT.toNanos());
    List<LtxFile> late = List.of(old, file(0, 2, 1), file(1, 1, 0), file(9, 1, 0));
    ages.observe(listed, late);
    assertEquals(Set.of(old), ages.expiring(late));
  }
}
