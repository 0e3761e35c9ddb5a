package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

@SuppressWarnings({"NonApiType", "IntLongMath", "NarrowingCompoundAssignment"})
class PageMapTest {
  private static final int PAGE_SIZE = 512;

  private record Version(int file, long bound, long offset, int frameBytes) {}

  @Test
  void everyHistoryGivesWhatAModelGives() throws IOException {
    for (long seed = 1; seed <= 40; seed++) {
      compareWithModel(new Random(seed), "seed " + seed);
    }
  }

  private static void compareWithModel(Random random, String seed) throws IOException {
    TreeMap<Long, Version> model = new TreeMap<>();
    PageMap map = PageMap.EMPTY;
    List<PageMap> maps = new ArrayList<>();
    List<TreeMap<Long, Version>> models = new ArrayList<>();
    long commit = 0;
    for (int txid = 2; txid < 30; txid++) {
      commit = nextCommit(random, commit);
      TreeSet<Long> pgnos = pages(random, commit);
      PageIndex index = index(txid, commit, pgnos);
      map = map.apply(List.of(new PageMap.Change(txid * 3, new Txid(txid), index, commit)));
      model.tailMap(commit, false).clear();
      for (int i = 0; i < index.count(); i++) {
        model.put(index.pgno(i), new Version(txid * 3, txid, index.offset(i), index.frameBytes(i)));
      }
      maps.add(map);
      models.add(new TreeMap<>(model));
    }
    for (int i = 0; i < maps.size(); i++) {
      requireSame(models.get(i), maps.get(i), seed + " map " + i);
    }
  }

  private static long nextCommit(Random random, long commit) {
    return switch (random.nextInt(5)) {
      case 0 -> random.nextInt(1000);
      case 1 -> random.nextInt(40_000);
      case 2 -> Math.max(0, commit - random.nextInt(200));
      case 3 -> commit + random.nextInt(500);
      default -> commit;
    };
  }

  @Test
  void filesOfWhichNothingIsLeftDoNotCount() throws IOException {
    PageIndex index = index(2, 3, List.of(1L, 2L, 3L));
    List<PageMap.Change> changes = new ArrayList<>();
    for (int txid = 1; txid <= 70_000; txid++) {
      changes.add(new PageMap.Change(txid, new Txid(txid), index, 3));
    }
    PageMap map = PageMap.EMPTY.apply(changes);
    assertEquals(70_000, map.fileNumber(1));
    assertEquals(new Txid(70_000), map.bound(3));
    assertTrue(map.sourceCount() <= 65_536, map.sourceCount() + " files");
    PageMap next = map.apply(changes);
    assertEquals(70_000, next.fileNumber(2));
  }

  @Test
  void tooManyFilesThatAreNeededAreAnErrorWithTheirCount() throws IOException {
    List<PageMap.Change> changes = new ArrayList<>();
    for (int txid = 2; txid <= 10; txid++) {
      List<Long> one = List.of((long) txid);
      changes.add(new PageMap.Change(txid, new Txid(txid), index(txid, 10, one), 10));
    }
    assertEquals(8, PageMap.EMPTY.apply(changes.subList(0, 8), 8).sourceCount());
    ViewException.TooManyFiles failure =
        assertThrows(ViewException.TooManyFiles.class, () -> PageMap.EMPTY.apply(changes, 8));
    assertTrue(String.valueOf(failure.getMessage()).contains("8 files"), failure.getMessage());
  }

  @Test
  void everyHistoryGivesWhatAModelGivesWithFewNumbers() throws IOException {
    for (long seed = 1; seed <= 20; seed++) {
      Random random = new Random(seed);
      List<PageMap.Change> changes = new ArrayList<>();
      TreeMap<Long, Version> model = new TreeMap<>();
      for (int txid = 2; txid < 80; txid++) {
        int commit = 1 + random.nextInt(400);
        TreeSet<Long> pgnos = new TreeSet<>();
        for (int i = random.nextInt(5); i >= 0; i--) {
          pgnos.add(1 + (long) random.nextInt(Math.min(commit, 12)));
        }
        PageIndex index = index(txid, commit, pgnos);
        changes.add(new PageMap.Change(txid * 3, new Txid(txid), index, commit));
        model.tailMap((long) commit, false).clear();
        for (int i = 0; i < index.count(); i++) {
          model.put(
              index.pgno(i), new Version(txid * 3, txid, index.offset(i), index.frameBytes(i)));
        }
      }
      PageMap map = PageMap.EMPTY.apply(changes, 14);
      assertTrue(map.sourceCount() <= 14, "seed " + seed);
      requireSame(model, map, "seed " + seed);
    }
  }

  private static TreeSet<Long> pages(Random random, long commit) {
    TreeSet<Long> pgnos = new TreeSet<>();
    boolean isFullImage = random.nextInt(8) == 0;
    for (long pgno = 1; isFullImage && pgno <= commit; pgno++) {
      pgnos.add(pgno);
    }
    for (int i = random.nextInt(300); commit > 0 && i > 0; i--) {
      pgnos.add(1 + (long) random.nextInt((int) commit));
    }
    return pgnos;
  }

  private static void requireSame(TreeMap<Long, Version> model, PageMap map, String what) {
    for (long pgno = 0; pgno < 42_000; pgno++) {
      Version version = model.get(pgno);
      assertEquals(version != null, map.contains(pgno), what + " page " + pgno);
      if (version != null) {
        Version found =
            new Version(
                map.fileNumber(pgno),
                map.bound(pgno).value(),
                map.offset(pgno),
                map.frameBytes(pgno));
        assertEquals(version, found, what + " page " + pgno);
      }
    }
  }

  /** An index as the encoder makes it, with zero pages. */
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

  @Test
  void pagesFarApartAreFound() throws IOException {
    long last = 0xFFFFFFF0L;
    PageIndex index = index(2, last, List.of(1L, 127L, 128L, 1L << 20, 1L << 31, last));
    PageMap map = PageMap.EMPTY.apply(List.of(new PageMap.Change(0, new Txid(2), index, last)));
    for (long pgno : new long[] {1, 127, 128, 1L << 20, 1L << 31, last}) {
      assertTrue(map.contains(pgno), "page " + pgno);
    }
    assertFalse(map.contains(2));
    assertFalse(map.contains(last - 1));
    assertFalse(PageMap.EMPTY.contains(last));
  }

  @Test
  void tenThousandFilesOverAMillionPagesTakeAtMostTwelveBytesAPage() throws IOException {
    long commit = 1_000_000;
    // 512-byte pages put the lock page far behind a million pages.
    TreeSet<Long> all = new TreeSet<>();
    for (long pgno = 1; pgno <= commit; pgno++) {
      all.add(pgno);
    }
    FileTable table = new FileTable();
    List<PageMap.Change> changes = new ArrayList<>();
    changes.add(
        new PageMap.Change(
            table.numberOf(file(9, 1, 1)), new Txid(1), index(2, commit, all), commit));
    Random random = new Random(7);
    for (int txid = 2; txid <= 10_001; txid++) {
      TreeSet<Long> pgnos = new TreeSet<>();
      for (int i = 0; i < 100; i++) {
        pgnos.add(1 + (long) random.nextInt((int) commit));
      }
      int number = table.numberOf(file(0, txid, txid));
      changes.add(new PageMap.Change(number, new Txid(txid), index(txid, commit, pgnos), commit));
    }
    PageMap map = PageMap.EMPTY.apply(changes);
    double bytesPerPage = (double) (map.heapBytes() + table.heapBytes()) / commit;
    System.out.printf(
        "page map, 10,000 files x 100 pages over 1 M: %.2f bytes a page, tables %.2f of it%n",
        bytesPerPage, (double) table.heapBytes() / commit);
    assertTrue(bytesPerPage <= 12, bytesPerPage + " bytes a page");
    assertTrue(bytesPerPage > 8, "not measured: " + bytesPerPage);
  }

  @Test
  void aFileHasOneNumberAndAnotherVersionAnother() {
    FileTable table = new FileTable();
    for (int i = 1; i <= 1000; i++) {
      assertEquals(i - 1, table.numberOf(file(0, i, i)));
    }
    for (int i = 1; i <= 1000; i++) {
      assertEquals(i - 1, table.numberOf(file(0, i, i)));
      assertEquals(file(0, i, i), table.file(i - 1));
    }
    LtxFile other = new LtxFile(file(0, 5, 5).name(), 2000, Instant.EPOCH, "another");
    assertEquals(1000, table.numberOf(other));
    assertEquals(other, table.file(1000));
  }

  private static LtxFile file(int level, long min, long max) {
    LtxFileName name = new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max)));
    return new LtxFile(
        name,
        2000 + min,
        Instant.ofEpochSecond(1_790_000_000, 5),
        "\"0123456789abcdef0123456789abc" + min + "\"");
  }
}
