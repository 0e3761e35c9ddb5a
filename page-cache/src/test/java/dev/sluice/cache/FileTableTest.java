package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FileTableTest {

  @Test
  void aForgottenFileIsUnknownAndGetsANewNumber() {
    FileTable table = new FileTable();
    for (int i = 0; i < 5; i++) {
      assertEquals(i, table.next());
      assertEquals(i, table.numberOf(file(i)));
    }
    table.retain(new int[] {1, 77}, 4);
    assertEquals(file(1), table.file(1));
    assertEquals(file(4), table.file(4));
    for (int forgotten : new int[] {0, 2, 3, 5, 77, -1}) {
      assertThrows(IllegalArgumentException.class, () -> table.file(forgotten));
      assertEquals(Optional.empty(), table.find(forgotten));
    }
    assertEquals(5, table.next());
    assertEquals(1, table.numberOf(file(1)));
    assertEquals(5, table.numberOf(file(3)));
    assertEquals(file(3), table.file(5));
    table.retain(new int[0], 6);
    assertEquals(6, table.next());
    assertEquals(6, table.numberOf(file(1)));
  }

  @Test
  void everyHistoryGivesWhatAModelGives() {
    for (long seed = 1; seed <= 50; seed++) {
      String what = "seed " + seed;
      Random random = new Random(seed);
      FileTable table = new FileTable();
      Map<Integer, Integer> numberOf = new HashMap<>();
      int next = 0;
      for (int step = 0; step < 2000; step++) {
        int which = random.nextInt(300);
        if (!numberOf.containsKey(which)) {
          numberOf.put(which, next++);
        }
        assertEquals(numberOf.get(which), table.numberOf(file(which)), what);
        assertEquals(next, table.next(), what);
        if (random.nextInt(100) == 0) {
          int[] used = random.ints(30, 0, next).sorted().distinct().toArray();
          int before = random.nextInt(next + 1);
          table.retain(used, before);
          numberOf
              .values()
              .removeIf(number -> number < before && Arrays.binarySearch(used, number) < 0);
          numberOf.forEach((key, number) -> assertEquals(file(key), table.file(number), what));
        }
      }
    }
  }

  @Test
  void monthsOfFilesTakeTheMemoryOfThoseThatAreRetained() {
    FileTable table = new FileTable();
    int files = 3_000_000;
    int each = 1000;
    int lasting = 1000;
    int[] used = new int[lasting + each];
    long heapBytesMax = 0;
    for (int i = 0; i < files; i++) {
      assertEquals(i, table.numberOf(file(i)));
      if ((i + 1) % each == 0) {
        heapBytesMax = Math.max(heapBytesMax, table.heapBytes());
        // The first thousand for good, and the latest thousand.
        for (int n = 0; n < lasting; n++) {
          used[n] = n;
          used[lasting + n] = Math.max(lasting + n, i + 1 - each + n);
        }
        table.retain(used, table.next());
        heapBytesMax = Math.max(heapBytesMax, table.heapBytes());
      }
    }
    System.out.printf("file table, %d files passed: at most %d bytes%n", files, heapBytesMax);
    assertTrue(heapBytesMax <= 3L * each * 160, heapBytesMax + " bytes");
    assertTrue(heapBytesMax > 2L * each * 40, "not measured: " + heapBytesMax);
    for (int i : new int[] {0, 999, files - 1000, files - 1}) {
      assertEquals(file(i), table.file(i));
      assertEquals(i, table.numberOf(file(i)));
    }
    assertThrows(IllegalArgumentException.class, () -> table.file(1000));
    assertThrows(IllegalArgumentException.class, () -> table.file(files - 1001));
    assertEquals(files, table.numberOf(file(1000)));
  }

  private static LtxFile file(int i) {
    Txid txid = new Txid(i + 1L);
    LtxFileName name = new LtxFileName(i % 3, new TxidRange(txid, txid));
    return new LtxFile(name, 2000L + i, Instant.ofEpochSecond(1_790_000_000, i), "v\u00e9" + i);
  }
}
