package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that are decoded in runs, in any order, and proved by their ends. */
class LtxEndsTest {
  private static final String FILE = "s3://bucket/db/runs.ltx";
  private static final int RUN_MAX = 5;

  static Stream<GoldenFile> files() {
    return Golden.all().stream().flatMap(golden -> golden.files().stream().limit(12));
  }

  /** Decodes runs of random lengths in random order, and proves the file. */
  private static SortedMap<Long, byte[]> decode(byte[] file, Random random) throws IOException {
    LtxEnds ends = LtxEnds.parse(ByteBuffer.wrap(file), ByteBuffer.wrap(file), file.length, FILE);
    List<FrameRunDecoder.Run> runs = new ArrayList<>();
    for (int first = 0; first < ends.index().count(); ) {
      int count = Math.min(1 + random.nextInt(RUN_MAX), ends.index().count() - first);
      runs.add(new FrameRunDecoder.Run(ends, first, count));
      first += count;
    }
    List<FrameRunDecoder.Run> shuffled = new ArrayList<>(runs);
    Collections.shuffle(shuffled, random);
    FrameRunDecoder decoder = new FrameRunDecoder();
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    TreeMap<Integer, FrameSum> sums = new TreeMap<>();
    int pageSize = ends.header().pageSize();
    for (FrameRunDecoder.Run run : shuffled) {
      byte[] dst = new byte[RUN_MAX * pageSize];
      long[] crcs = new long[RUN_MAX];
      int at = (int) ends.index().offset(run.first());
      sums.put(run.first(), decoder.decode(run, file, at, dst, crcs));
      for (int i = 0; i < run.count(); i++) {
        byte[] page = new byte[pageSize];
        System.arraycopy(dst, i * pageSize, page, 0, pageSize);
        assertEquals(Crc64.of(page), crcs[i]);
        pages.put(ends.index().pgno(run.first() + i), page);
      }
    }
    ends.requireEndMark(file, (int) ends.index().indexOffset() - PageFrame.HEADER_BYTES);
    ends.prove(sums.values().stream().reduce(FrameSum.NONE, FrameSum::then));
    return pages;
  }

  private static void requireSame(SortedMap<Long, byte[]> expected, SortedMap<Long, byte[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((pgno, page) -> assertArrayEquals(page, found.get(pgno)));
  }

  @ParameterizedTest
  @MethodSource("files")
  void runsInAnyOrderProveTheFile(GoldenFile file) throws IOException {
    LtxFiles.Decoded whole = LtxFiles.decode(file.bytes(), FILE);
    requireSame(whole.pages(), decode(file.bytes(), new Random(7)));
  }

  static Stream<byte[]> smallFiles() {
    return Stream.of("wal-512", "legacy-4096", "sum-4096")
        .map(
            name ->
                Golden.named(name).files().stream()
                    .map(GoldenFile::bytes)
                    .min(Comparator.comparingInt(bytes -> bytes.length))
                    .orElseThrow());
  }

  @ParameterizedTest
  @MethodSource("smallFiles")
  void everyFlippedByteIsFoundOrHarmless(byte[] file, @Seeded("sluice.ends.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    SortedMap<Long, byte[]> sound = decode(file, random);
    int found = 0;
    for (int at = 0; at < file.length; at++) {
      byte[] damaged = file.clone();
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      try {
        requireSame(sound, decode(damaged, random));
      } catch (LtxFormatException e) {
        found++;
        assertEquals(FILE, e.file());
        assertTrue(e.offset() >= 0 && e.offset() <= file.length, e.getMessage());
      }
    }
    assertTrue(found > file.length / 2, found + " of " + file.length);
  }

  @Test
  void aDatabaseChecksumThatIsNotOfThePagesIsFound() throws IOException {
    GoldenFile snapshot =
        Golden.named("sum-4096").files().stream()
            .filter(file -> file.name().startsWith("0000000000000001"))
            .findFirst()
            .orElseThrow();
    byte[] file = snapshot.bytes();
    file[file.length - 9] ^= 1;
    ByteBuffer bytes = ByteBuffer.wrap(file);
    long checksum = Checksums.FLAG | forgedCrc(file);
    bytes.putLong(file.length - 8, checksum);
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> decode(file, new Random(1)));
    assertTrue(e.rule().startsWith("the database checksum"), e.getMessage());
    assertEquals(file.length - 16, e.offset());
  }

  /** Returns the CRC that makes the file checksum right again. */
  private static long forgedCrc(byte[] file) {
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> decode(file, new Random(1)));
    String says = "its checksum is ";
    int from = e.rule().indexOf(says) + says.length();
    return Long.parseUnsignedLong(e.rule().substring(from, e.rule().indexOf(',', from)), 16);
  }

  @Test
  void aSumOfOtherFramesIsRefused() throws IOException {
    byte[] file = Golden.named("wal-512").files().get(0).bytes();
    LtxEnds ends = LtxEnds.parse(ByteBuffer.wrap(file), ByteBuffer.wrap(file), file.length, FILE);
    assertThrows(IllegalArgumentException.class, () -> ends.prove(FrameSum.NONE));
  }
}
