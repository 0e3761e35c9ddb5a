package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PageIndexTest {
  private static final String FILE = "s3://b/0000/f.ltx";

  /** Frames of 50, 60 and 70 bytes behind the header. */
  private static final long[] SOUND = {3, 100, 50, 4, 150, 60, 4_000_000_000L, 210, 70, 0};

  private static final long END_MARK = 280;

  /** Returns six zeros, the numbers, their length (or what is given) and a trailer. */
  private static ByteBuffer tail(long[] numbers, long lengthDelta) {
    byte[] bytes = new byte[numbers.length * 10 + 6 + 8 + 16];
    int at = 6;
    for (long number : numbers) {
      at = Varints.write(number, bytes, at);
    }
    ByteBuffer tail = ByteBuffer.wrap(bytes);
    tail.putLong(at, at - 6 + lengthDelta).limit(at + 24);
    return tail;
  }

  private static PageIndex parse(long... numbers) throws LtxFormatException {
    ByteBuffer tail = tail(numbers, 0);
    return PageIndex.parse(tail, END_MARK + tail.remaining(), FILE);
  }

  @Test
  void entriesAreWhatTheIndexSays() throws LtxFormatException {
    PageIndex index = parse(SOUND);
    assertEquals(3, index.count());
    assertEquals(4_000_000_000L, index.pgno(2));
    assertEquals(210, index.offset(2));
    assertEquals(70, index.frameBytes(2));
    assertEquals(END_MARK + 6, index.indexOffset());
    assertEquals(0, index.find(3));
    assertEquals(1, index.find(4));
    assertEquals(2, index.find(4_000_000_000L));
    for (long absent : new long[] {0, 1, 2, 5, 3_999_999_999L, 4_000_000_001L, 0xFFFFFFFFL}) {
      assertEquals(-1, index.find(absent), "page " + absent);
    }
  }

  @Test
  void tailMayBeLongerOrJustLongEnough() throws LtxFormatException {
    ByteBuffer tail = tail(SOUND, 0);
    long fileSize = END_MARK + tail.remaining();
    assertEquals(tail.remaining() - 6, PageIndex.indexBytesFrom(tail, fileSize, FILE));
    assertEquals(3, PageIndex.parse(tail.duplicate().position(6), fileSize, FILE).count());
    assertEquals(3, PageIndex.parse(tail.duplicate().position(3), fileSize, FILE).count());
    ByteBuffer short1 = tail.duplicate().position(7);
    assertEquals(tail.remaining() - 6, PageIndex.indexBytesFrom(short1, fileSize, FILE));
    assertThrows(IllegalArgumentException.class, () -> PageIndex.parse(short1, fileSize, FILE));
    tail.put(4, (byte) 1);
    assertEquals(
        END_MARK + 4,
        assertThrows(LtxFormatException.class, () -> PageIndex.parse(tail, fileSize, FILE))
            .offset());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "page after a later one,      0, 4",
    "page twice,                  3, 3",
    "page past 32 bits,           6, 4294967296",
    "page past 63 bits,           6, -1",
    "frame inside the header,     1, 99",
    "gap before the first frame,  1, 101",
    "overlap,                     4, 149",
    "gap,                         4, 151",
    "offset past 63 bits,         4, -1",
    "offset that overflows,       4, 9223372036854775807",
    "size 0,                      2, 0",
    "size less than any frame,    2, 10",
    "size past the end mark,      8, 71",
    "last size too small,         8, 69",
    "size of no page,             8, 70000",
    "size that overflows,         8, 9223372036854775807",
    "end in the middle,           3, 0",
    "no end,                      9, 5",
  })
  void brokenRuleNamesFileAndOffset(String what, int at, long value) {
    long[] numbers = SOUND.clone();
    numbers[at] = value;
    LtxFormatException e = assertThrows(LtxFormatException.class, () -> parse(numbers), what);
    assertEquals(FILE, e.file());
    assertTrue(e.offset() >= END_MARK + 6 && e.offset() < END_MARK + 6 + 40, e.getMessage());
  }

  @Test
  void lengthFieldThatLiesIsFoundWithoutReadingOn() {
    for (long delta : new long[] {1, -1, -2, 1000, Long.MAX_VALUE - 100, Long.MIN_VALUE, -100}) {
      ByteBuffer tail = tail(SOUND, delta);
      long fileSize = END_MARK + tail.remaining();
      assertThrows(
          LtxFormatException.class,
          () -> {
            PageIndex.indexBytesFrom(tail, fileSize, FILE);
            PageIndex.parse(tail, fileSize, FILE);
          },
          "delta " + delta);
    }
  }

  @Test
  void fileThatCannotHoldAnIndexIsRefused() {
    for (int size = 0; size < 131; size++) {
      ByteBuffer tail = ByteBuffer.allocate(size);
      LtxFormatException e =
          assertThrows(
              LtxFormatException.class, () -> PageIndex.indexBytesFrom(tail, tail.limit(), FILE));
      assertEquals(size, e.offset());
    }
  }

  @Test
  void headerLimitsPagesAndFrames() throws LtxFormatException {
    PageIndex index = parse(SOUND);
    index.requireFits(LtxHeader.of(512, 4_000_000_000L, LtxFiles.range(2, 2), 0), FILE);
    assertEquals(210, misfit(index, LtxHeader.of(512, 3_999_999_999L, LtxFiles.range(2, 2), 0)));
    assertEquals(100, misfit(index, LtxHeader.of(512, 4_000_000_000L, LtxFiles.range(1, 2), 0)));
    PageIndex lock = parse(LockPage.pgno(4096), 100, 180, 0);
    assertEquals(100, misfit(lock, LtxHeader.of(4096, 4_000_000_000L, LtxFiles.range(2, 2), 0)));
    PageIndex first = parse(1, 100, 180, 0);
    assertEquals(END_MARK, misfit(first, LtxHeader.of(512, 2, LtxFiles.range(1, 1), 0)));
    ByteBuffer tail = tail(new long[] {1, 100, 700, 0}, 0);
    PageIndex large = PageIndex.parse(tail, 800 + tail.remaining(), FILE);
    large.requireFits(LtxHeader.of(1024, 1, LtxFiles.range(1, 1), 0), FILE);
    assertEquals(100, misfit(large, LtxHeader.of(512, 1, LtxFiles.range(1, 1), 0)));
  }

  private static long misfit(PageIndex index, LtxHeader header) {
    return assertThrows(LtxFormatException.class, () -> index.requireFits(header, FILE)).offset();
  }

  @Test
  void randomIndexesAreSoundOrRefused() {
    long seed = 30;
    Random random = new Random(seed);
    int parsed = 0;
    for (int round = 0; round < 20_000; round++) {
      ByteBuffer tail = tail(SOUND, 0);
      int changes = random.nextInt(3);
      for (int i = 0; i < changes; i++) {
        tail.put(6 + random.nextInt(tail.limit() - 6), (byte) random.nextInt());
      }
      long fileSize =
          random.nextInt(50) == 0 ? random.nextLong() >>> 1 : END_MARK + tail.remaining();
      try {
        if (PageIndex.indexBytesFrom(tail, fileSize, FILE) > tail.remaining()) {
          continue;
        }
        requireSound(PageIndex.parse(tail, fileSize, FILE));
        parsed++;
      } catch (LtxFormatException e) {
        assertEquals(FILE, e.file(), "seed " + seed + " round " + round);
      }
    }
    assertTrue(parsed > 1000 && parsed < 19_000, "parsed " + parsed);
  }

  private static void requireSound(PageIndex index) {
    long last = 0;
    long end = 100;
    for (int i = 0; i < index.count(); i++) {
      assertTrue(index.pgno(i) > last);
      assertEquals(end, index.offset(i));
      assertTrue(index.frameBytes(i) >= PageFrame.MIN_BYTES);
      last = index.pgno(i);
      end += index.frameBytes(i);
    }
    assertEquals(end + 6, index.indexOffset());
  }

  @Test
  void memoryIsTwelveBytesAnEntry() throws LtxFormatException {
    int count = 10_000;
    long[] numbers = new long[3 * count + 1];
    for (int i = 0; i < count; i++) {
      numbers[3 * i] = 7L * (i + 1);
      numbers[3 * i + 1] = 100 + 20L * i;
      numbers[3 * i + 2] = 20;
    }
    ByteBuffer tail = tail(numbers, 0);
    PageIndex index = PageIndex.parse(tail, 100 + 20L * count + tail.remaining(), FILE);
    assertEquals(12.0 * count, index.heapBytes(), 100);
    for (int i = 0; i < count; i++) {
      assertEquals(i, index.find(7L * (i + 1)));
      assertEquals(-1, index.find(7L * (i + 1) + 3));
    }
  }
}
