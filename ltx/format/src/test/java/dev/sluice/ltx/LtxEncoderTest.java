package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import net.jpountz.lz4.LZ4Factory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LtxEncoderTest {
  private static final LtxHeader HEADER =
      LtxHeader.of(512, 9, LtxFiles.range(2, 3), 1_700_000_000_123L);

  static Stream<GoldenFile> goldenFiles() {
    return Golden.all().stream().flatMap(golden -> golden.files().stream());
  }

  @ParameterizedTest
  @MethodSource("goldenFiles")
  void goldenFileSurvivesReencoding(GoldenFile file) throws IOException {
    LtxFiles.Decoded golden = LtxFiles.decode(file.bytes(), file.path());
    byte[] ours =
        LtxFiles.encode(golden.header(), golden.pages(), golden.trailer().postApplyChecksum());
    LtxFiles.Decoded again = LtxFiles.decode(ours, "ours");
    assertEquals(golden.header(), again.header());
    assertEquals(golden.trailer().postApplyChecksum(), again.trailer().postApplyChecksum());
    assertPages(golden.pages(), again.pages());
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536})
  void everyPageSizeSurvives(int pageSize) throws IOException {
    SortedMap<Long, byte[]> pages = LtxFiles.pages(pageSize, pageSize, 1, 2, 3, 4, 5);
    LtxHeader header = LtxHeader.of(pageSize, 5, LtxFiles.range(1, 1), 0);
    assertPages(pages, LtxFiles.decode(LtxFiles.encode(header, pages, 0), "ours").pages());
  }

  private static void assertPages(
      SortedMap<Long, byte[]> expected, SortedMap<Long, byte[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((pgno, page) -> assertArrayEquals(page, actual.get(pgno), "page " + pgno));
  }

  @Test
  void bytesStandWhereTheFormatSays() throws IOException {
    SortedMap<Long, byte[]> pages = LtxFiles.pages(1, 512, 4, 9);
    byte[] file = LtxFiles.encode(HEADER, pages, 0);
    ByteBuffer in = ByteBuffer.wrap(file);
    Crc64 crc = new Crc64();
    crc.update(file, 0, 100);
    assertEquals(0x4C545831, in.getInt(0));
    assertEquals(2, in.getInt(4));
    assertEquals(512, in.getInt(8));
    assertEquals(9, in.getInt(12));
    assertEquals(2, in.getLong(16));
    assertEquals(3, in.getLong(24));
    assertEquals(1_700_000_000_123L, in.getLong(32));
    assertArrayEquals(new byte[60], Arrays.copyOfRange(file, 40, 100));

    ByteArrayOutputStream index = new ByteArrayOutputStream();
    int at = 100;
    for (var entry : pages.entrySet()) {
      long pgno = entry.getKey();
      byte[] page = entry.getValue();
      int length = in.getInt(at + 6);
      assertEquals(pgno, in.getInt(at));
      assertEquals(1, in.getShort(at + 4));
      assertArrayEquals(
          page,
          LZ4Factory.safeInstance().safeDecompressor().decompress(file, at + 10, length, 512));
      crc.update(file, at, 10);
      crc.update(page, 0, 512);
      for (long number : new long[] {pgno, at, 10 + length}) {
        byte[] varint = new byte[10];
        index.write(varint, 0, Varints.write(number, varint, 0));
      }
      at += 10 + length;
    }
    index.write(0);
    assertArrayEquals(new byte[6], Arrays.copyOfRange(file, at, at + 6));
    assertArrayEquals(index.toByteArray(), Arrays.copyOfRange(file, at + 6, at + 6 + index.size()));
    int end = at + 6 + index.size();
    assertEquals(index.size(), in.getLong(end));
    assertEquals(0, in.getLong(end + 8));
    crc.update(file, at, end + 16 - at);
    assertEquals(1L << 63 | crc.value(), in.getLong(end + 16));
    assertEquals(end + 24, file.length);
  }

  @Test
  void fileWithoutPagesIsAFile() throws IOException {
    byte[] file = LtxFiles.encode(HEADER, new TreeMap<>(), 0);
    assertEquals(100 + 6 + 1 + 8 + 16, file.length);
    assertEquals(0, LtxFiles.decode(file, "empty").index().count());
    LtxHeader deleted = LtxHeader.of(512, 0, LtxFiles.range(1, 5), 0);
    assertEquals(
        0,
        LtxFiles.decode(LtxFiles.encode(deleted, new TreeMap<>(), 0), "deleted").header().commit());
  }

  @Test
  void lockPageIsSkippedInASnapshotAndRefused() throws IOException {
    long lock = LockPage.pgno(65536);
    LtxHeader header = LtxHeader.of(65536, lock + 1, LtxFiles.range(1, 1), 0);
    byte[] page = new byte[65536];
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (long pgno = 1; pgno < lock; pgno++) {
        encoder.page(pgno, page);
      }
      assertThrows(IllegalArgumentException.class, () -> encoder.page(lock, page));
      encoder.page(lock + 1, page);
      encoder.finish();
    }
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(out.toByteArray()), "lock")) {
      while (decoder.next()) {
        assertNotEquals(lock, decoder.pgno());
      }
      decoder.finish();
      assertEquals(header.fullPageCount(), decoder.index().count());
      assertEquals(-1, decoder.index().find(lock));
      assertEquals(lock - 1, decoder.index().find(lock + 1));
    }
  }

  @Test
  void pagesThatTheFormatForbidsAreRefused() throws IOException {
    byte[] page = new byte[512];
    try (LtxEncoder encoder = new LtxEncoder(new ByteArrayOutputStream(), HEADER)) {
      assertThrows(IllegalArgumentException.class, () -> encoder.page(0, page));
      assertThrows(IllegalArgumentException.class, () -> encoder.page(10, page));
      assertThrows(IllegalArgumentException.class, () -> encoder.page(1, new byte[511]));
      encoder.page(5, page);
      assertThrows(IllegalArgumentException.class, () -> encoder.page(5, page));
      assertThrows(IllegalArgumentException.class, () -> encoder.finish(Checksums.FLAG));
      encoder.finish();
      assertThrows(IllegalStateException.class, () -> encoder.page(6, page));
      assertThrows(IllegalStateException.class, encoder::finish);
    }
  }

  @Test
  void snapshotWithAHoleIsRefused() throws IOException {
    LtxHeader header = LtxHeader.of(512, 3, LtxFiles.range(1, 1), 0);
    try (LtxEncoder encoder = new LtxEncoder(new ByteArrayOutputStream(), header)) {
      encoder.page(1, new byte[512]);
      assertThrows(IllegalArgumentException.class, () -> encoder.page(3, new byte[512]));
      encoder.page(2, new byte[512]);
      assertThrows(IllegalArgumentException.class, encoder::finish);
    }
  }

  @Test
  void closedWithoutFinishIsNoFile() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder = new LtxEncoder(out, HEADER)) {
      encoder.page(1, new byte[512]);
    }
    byte[] bytes = out.toByteArray();
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> LtxFiles.decode(bytes, "half"));
    assertEquals(bytes.length, e.offset());
  }
}
