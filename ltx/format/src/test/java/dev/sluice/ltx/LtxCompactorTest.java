package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class LtxCompactorTest {
  private static final int PAGE_SIZE = 512;

  private static byte[] file(long min, long max, long commit, long... pgnos) throws IOException {
    return LtxFiles.encode(
        LtxHeader.of(PAGE_SIZE, commit, LtxFiles.range(min, max), 1_000 + max),
        LtxFiles.pages(100 * min + max, PAGE_SIZE, pgnos),
        0);
  }

  private static LtxFiles.Decoded compact(byte[]... files) throws IOException {
    return LtxFiles.decode(CompactionFiles.compact(List.of(files)).bytes(), "compacted");
  }

  private static void assertPages(
      SortedMap<Long, byte[]> expected, SortedMap<Long, byte[]> actual, String what) {
    assertEquals(expected.keySet(), actual.keySet(), what);
    expected.forEach(
        (pgno, page) -> assertArrayEquals(page, actual.get(pgno), what + " page " + pgno));
  }

  @Test
  void newestVersionOfEachPageWins() throws IOException {
    byte[] newest = file(4, 4, 9, 3, 5);
    LtxFiles.Decoded all = compact(file(2, 2, 9, 1, 3, 8), file(3, 3, 9, 3), newest);
    assertEquals(LtxHeader.of(PAGE_SIZE, 9, LtxFiles.range(2, 4), 1_004), all.header());
    assertEquals(Set.of(1L, 3L, 5L, 8L), all.pages().keySet());
    assertArrayEquals(
        LtxFiles.decode(newest, "newest").pages().get(3L), all.pages().get(3L), "page 3");
  }

  @Test
  void pagesPastTheLastCommitAreDropped() throws IOException {
    assertEquals(
        Set.of(1L, 2L), compact(file(2, 2, 9, 1, 3, 9), file(3, 3, 2, 2)).pages().keySet());
  }

  @Test
  void pageThatWasCutOffDoesNotComeBackWhenTheDatabaseGrowsAgain() throws IOException {
    byte[] large = file(2, 2, 9, 1, 8, 9);
    byte[] small = file(3, 3, 7, 1);
    byte[] grown = file(4, 4, 8, 8);
    SortedMap<Long, byte[]> pages = compact(large, small, grown).pages();
    assertEquals(Set.of(1L, 8L), pages.keySet());
    assertArrayEquals(LtxFiles.decode(grown, "grown").pages().get(8L), pages.get(8L));
    CompactionException e =
        assertThrows(CompactionException.class, () -> compact(large, small, file(4, 4, 9, 9)));
    assertEquals(CompactionException.Reason.MISSING_PAGE, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains("page 8 "), e.getMessage());
  }

  @Test
  void fullImageInTheMiddleOfHistoryBecomesASnapshot() throws IOException {
    byte[] image = file(7, 7, 3, 1, 2, 3);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxCompactor compactor = new LtxCompactor(CompactionFiles.inputs(List.of(image)))) {
      compactor.writeSnapshotTo(out, 5_000);
    }
    LtxFiles.Decoded snapshot = LtxFiles.decode(out.toByteArray(), "snapshot");
    assertEquals(LtxHeader.of(PAGE_SIZE, 3, LtxFiles.range(1, 7), 5_000), snapshot.header());
    assertPages(LtxFiles.decode(image, "image").pages(), snapshot.pages(), "snapshot");
  }

  @Test
  void noSnapshotIsMadeOfFilesThatLackAPage() throws IOException {
    byte[] image = file(7, 7, 3, 1, 3);
    try (LtxCompactor compactor = new LtxCompactor(CompactionFiles.inputs(List.of(image)))) {
      CompactionException e =
          assertThrows(
              CompactionException.class,
              () -> compactor.writeSnapshotTo(new ByteArrayOutputStream(), 5_000));
      assertEquals(CompactionException.Reason.MISSING_PAGE, e.reason());
    }
  }

  @Test
  void snapshotThatLacksAPageIsRefusedByName() throws IOException {
    byte[] snapshot = file(1, 1, 2, 1, 2);
    for (byte[] next : List.of(file(2, 2, 5, 3, 5), file(2, 2, 4, 3))) {
      CompactionException e =
          assertThrows(CompactionException.class, () -> compact(snapshot, next));
      assertEquals(CompactionException.Reason.MISSING_PAGE, e.reason());
      assertTrue(String.valueOf(e.getMessage()).contains("page 4 "), e.getMessage());
    }
    assertEquals(5, compact(snapshot, file(2, 2, 5, 3, 4, 5)).pages().size());
  }

  @Test
  void damageIsToldBeforeAMissingPage() throws IOException {
    byte[] damaged = file(2, 2, 5, 3, 5);
    damaged[damaged.length - 1] ^= 1;
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> compact(file(1, 1, 2, 1, 2), damaged));
    assertEquals("input-1", e.file());
  }

  @Test
  void deletedDatabaseIsAFileWithoutPages() throws IOException {
    LtxFiles.Decoded deleted = compact(file(1, 1, 3, 1, 2, 3), file(2, 2, 0));
    assertEquals(0, deleted.header().commit());
    assertEquals(0, deleted.pages().size());
    byte[] again = file(3, 3, 2, 1, 2);
    assertEquals(2, compact(file(1, 1, 3, 1, 2, 3), file(2, 2, 0), again).pages().size());
    assertThrows(CompactionException.class, () -> compact(file(2, 2, 0), file(3, 3, 2, 2)));
  }

  @Test
  void lockPageIsNotMissed() throws IOException {
    long lock = LockPage.pgno(65536);
    List<byte[]> files = new ArrayList<>();
    for (long[] grown : new long[][] {{lock - 1, 1}, {lock + 1, lock + 1}, {lock + 2, lock + 2}}) {
      LtxHeader header =
          LtxHeader.of(65536, grown[0], LtxFiles.range(files.size() + 2, files.size() + 2), 1);
      files.add(LtxFiles.encode(header, LtxFiles.pages(1, 65536, grown[1]), 0));
    }
    LtxFiles.Decoded all = LtxFiles.decode(CompactionFiles.compact(files).bytes(), "compacted");
    assertEquals(Set.of(1L, lock + 1, lock + 2), all.pages().keySet());
  }

  @Test
  void overlapIsAllowedAndAGapIsNot() throws IOException {
    byte[] first = file(2, 5, 9, 1, 2);
    assertEquals(LtxFiles.range(2, 6), compact(first, file(4, 6, 9, 2, 3)).header().range());
    assertEquals(LtxFiles.range(2, 6), compact(first, file(1, 6, 2, 1, 2)).header().range());
    for (byte[] other :
        List.of(file(7, 7, 9, 1), file(3, 5, 9, 1), file(2, 4, 9, 1), file(2, 5, 9, 1))) {
      CompactionException e = assertThrows(CompactionException.class, () -> compact(first, other));
      assertEquals(CompactionException.Reason.GAP, e.reason());
      assertTrue(String.valueOf(e.getMessage()).contains("input-1"), e.getMessage());
    }
  }

  @Test
  void changeOfThePageSizeIsRefused() throws IOException {
    byte[] other =
        LtxFiles.encode(
            LtxHeader.of(1024, 2, LtxFiles.range(3, 3), 1), LtxFiles.pages(1, 1024, 1, 2), 0);
    CompactionException e =
        assertThrows(CompactionException.class, () -> compact(file(2, 2, 2, 1), other));
    assertEquals(CompactionException.Reason.PAGE_SIZE, e.reason());
  }

  @Test
  void nothingToCompactIsACallersBug() {
    assertThrows(IllegalArgumentException.class, () -> new LtxCompactor(List.of()));
  }

  @Test
  void headerIsKnownBeforeAndTheTimestampMayBeAnother() throws IOException {
    List<CompactionInput> inputs =
        CompactionFiles.inputs(List.of(file(1, 1, 2, 1, 2), file(2, 2, 2, 1)));
    try (LtxCompactor compactor = new LtxCompactor(inputs)) {
      assertEquals(LtxHeader.of(PAGE_SIZE, 2, LtxFiles.range(1, 2), 1_002), compactor.header());
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      compactor.writeTo(out, 5_555);
      LtxFiles.Decoded snapshot = LtxFiles.decode(out.toByteArray(), "snapshot");
      assertEquals(5_555, snapshot.header().timestampMillis());
      assertThrows(IllegalStateException.class, () -> compactor.writeTo(out));
    }
  }

  @Test
  void randomHistoriesCompactAsTheyApply(@Seeded("seed") Seed seed) throws IOException {
    for (int round = 0; round < 300; round++) {
      String what = "round " + round;
      Random random = new Random(seed.value() + round);
      RandomHistory history = new RandomHistory(random);
      for (int i = 0, count = 2 + random.nextInt(12); i < count; i++) {
        history.step();
      }
      int from = random.nextInt(3) == 0 ? 0 : random.nextInt(history.files().size());
      int to = from + random.nextInt(history.files().size() - from);
      assertCompaction(history, from, to, chain(history, from, to, random), what);
    }
  }

  /** Returns files of history from one to the other, some of them merged, some twice. */
  private static List<byte[]> chain(RandomHistory history, int from, int to, Random random)
      throws IOException {
    List<byte[]> chain = new ArrayList<>();
    for (int next = from; next <= to; ) {
      int first = Math.max(from, next - random.nextInt(3));
      int last = next + random.nextInt(Math.min(4, to - next + 1));
      chain.add(
          first == last
              ? history.files().get(last)
              : naive(history.files().subList(first, last + 1)));
      next = last + 1;
    }
    return chain;
  }

  private static byte[] naive(List<byte[]> contents) throws IOException {
    List<LtxFiles.Decoded> files = decode(contents);
    LtxHeader last = files.get(files.size() - 1).header();
    TxidRange range = new TxidRange(files.get(0).header().range().min(), last.range().max());
    return LtxFiles.encode(
        LtxHeader.of(PAGE_SIZE, last.commit(), range, last.timestampMillis()),
        NaiveMerger.merge(files),
        0);
  }

  private static List<LtxFiles.Decoded> decode(List<byte[]> contents) throws IOException {
    List<LtxFiles.Decoded> files = new ArrayList<>();
    for (byte[] content : contents) {
      files.add(LtxFiles.decode(content, "input"));
    }
    return files;
  }

  private static void assertCompaction(
      RandomHistory history, int from, int to, List<byte[]> chain, String what) throws IOException {
    LtxFiles.Decoded all = LtxFiles.decode(CompactionFiles.compact(chain).bytes(), what);
    long commit = history.state(to).size();
    assertEquals(
        LtxHeader.of(PAGE_SIZE, commit, LtxFiles.range(from + 1, to + 1), 1_001 + to),
        all.header(),
        what);
    assertPages(NaiveMerger.merge(decode(chain)), all.pages(), what);
    SortedMap<Long, byte[]> applied = new TreeMap<>(history.state(from - 1));
    applied.putAll(all.pages());
    applied.tailMap(commit + 1).clear();
    assertPages(history.state(to), applied, what);
  }

  @Test
  void inputsAreNeverReadFurtherAheadThanTheirBuffers() throws IOException {
    int inputCount = 8;
    List<CompactionInput> inputs = new ArrayList<>();
    long[] read = new long[1];
    for (int i = 0; i < inputCount; i++) {
      inputs.add(new CompactionInput("large-" + i, counted(disjoint(i, inputCount), read)));
    }
    long bound = inputCount * (1L << 18) + (1 << 17);
    long[] written = new long[1];
    OutputStream out =
        new OutputStream() {
          @Override
          public void write(int b) {
            written[0]++;
          }

          @Override
          public void write(byte[] bytes, int offset, int length) {
            written[0] += length;
            assertTrue(read[0] - written[0] < bound, read[0] + " read, " + written[0] + " written");
          }
        };
    try (LtxCompactor compactor = new LtxCompactor(inputs)) {
      Compaction summary = compactor.writeTo(out);
      assertEquals(written[0], summary.bytes());
      assertEquals(read[0], summary.inputBytes());
      assertTrue(read[0] > 4 * bound, "inputs too small to tell: " + read[0]);
    }
  }

  /** Returns every {@code step}-th page of a database, pages that cannot be compressed. */
  private static byte[] disjoint(int input, int step) throws IOException {
    long[] pgnos = new long[2_500];
    for (int i = 0; i < pgnos.length; i++) {
      pgnos[i] = 1 + input + (long) i * step;
    }
    Random random = new Random(input);
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno : pgnos) {
      byte[] page = new byte[512];
      random.nextBytes(page);
      pages.put(pgno, page);
    }
    LtxHeader header = LtxHeader.of(512, 2_500L * step, LtxFiles.range(input + 2, input + 2), 1);
    return LtxFiles.encode(header, pages, 0);
  }

  private static CompactionInput.Opener counted(byte[] file, long[] read) {
    return () ->
        new ByteArrayInputStream(file) {
          @Override
          public synchronized int read(byte[] dst, int offset, int length) {
            int count = super.read(dst, offset, length);
            read[0] += Math.max(count, 0);
            return count;
          }
        };
  }

  /** Streams that are open, by the name of their file. */
  private static final class OpenStreams {
    private final List<String> names = new ArrayList<>();

    CompactionInput input(String name, byte[] file) {
      return new CompactionInput(
          name,
          () -> {
            names.add(name);
            return new ByteArrayInputStream(file) {
              @Override
              public void close() {
                names.remove(name);
              }
            };
          });
    }
  }

  @Test
  void onlyLargeInputsStayOpenAndNoneBehindItsEnd() throws IOException {
    OpenStreams open = new OpenStreams();
    List<CompactionInput> inputs = new ArrayList<>();
    for (int i = 2; i < 1_200; i++) {
      inputs.add(open.input("small", file(i, i, 9, i % 9 + 1)));
    }
    inputs.add(open.input("large", disjointAt(1_200)));
    try (LtxCompactor compactor = new LtxCompactor(inputs)) {
      assertEquals(List.of("large"), open.names);
      compactor.writeTo(OutputStream.nullOutputStream());
      assertEquals(List.of(), open.names);
    }
  }

  private static byte[] disjointAt(long txid) throws IOException {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno = 1; pgno <= 60; pgno++) {
      pages.putAll(LtxFiles.pages(pgno, 512, pgno));
    }
    return LtxFiles.encode(LtxHeader.of(512, 60, LtxFiles.range(txid, txid), 1), pages, 0);
  }

  @Test
  void failureToOpenClosesWhatIsOpen() throws IOException {
    OpenStreams open = new OpenStreams();
    IOException failure = new IOException("connection reset");
    List<CompactionInput> inputs =
        List.of(
            open.input("first", disjoint(0, 8)),
            new CompactionInput(
                "second",
                () -> {
                  throw failure;
                }));
    assertSame(failure, assertThrows(IOException.class, () -> new LtxCompactor(inputs)));
    assertEquals(List.of(), open.names);
    List<CompactionInput> gap =
        List.of(open.input("first", disjoint(0, 8)), open.input("gap", disjoint(3, 8)));
    assertThrows(CompactionException.class, () -> new LtxCompactor(gap));
    assertEquals(List.of(), open.names);
    List<CompactionInput> junk =
        List.of(open.input("first", disjoint(0, 8)), open.input("junk", new byte[1 << 20]));
    assertThrows(LtxFormatException.class, () -> new LtxCompactor(junk));
    assertEquals(List.of(), open.names);
  }

  @Test
  void failureOfAStreamPassesUnchangedAndLeavesNoFile() throws IOException {
    byte[] large = disjoint(0, 8);
    IOException failure = new IOException("connection reset");
    InputStream broken =
        new ByteArrayInputStream(large, 0, large.length / 2) {
          @Override
          public synchronized int read(byte[] dst, int offset, int length) {
            int count = super.read(dst, offset, length);
            return count < 0 ? sneak(failure) : count;
          }
        };
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxCompactor compactor =
        new LtxCompactor(List.of(new CompactionInput("broken", () -> broken)))) {
      assertSame(failure, assertThrows(IOException.class, () -> compactor.writeTo(out)));
    }
    assertThrows(LtxFormatException.class, () -> LtxFiles.decode(out.toByteArray(), "half"));
  }

  @SuppressWarnings("unchecked") // it is to be thrown unchecked
  private static <E extends Exception> int sneak(Exception e) throws E {
    throw (E) e;
  }

  @Test
  void streamsThatBringByteByByteAreFilesToo() throws IOException {
    List<byte[]> files = List.of(file(2, 2, 7_500, 1, 3, 8), file(3, 3, 7_500, 3), disjoint(2, 3));
    List<CompactionInput> inputs = new ArrayList<>();
    for (byte[] file : files) {
      inputs.add(
          new CompactionInput(
              "slow",
              () ->
                  new ByteArrayInputStream(file) {
                    @Override
                    public synchronized int read(byte[] dst, int offset, int length) {
                      return super.read(dst, offset, Math.min(length, 1));
                    }
                  }));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxCompactor compactor = new LtxCompactor(inputs)) {
      compactor.writeTo(out);
    }
    assertArrayEquals(CompactionFiles.compact(files).bytes(), out.toByteArray());
  }
}
