package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LtxHeaderTest {
  private static final LtxHeader FULL =
      new LtxHeader(
          0, 4096, 0xFFFFFFFFL, LtxFiles.range(2, -1L), -5, 1L << 63 | 77, 32, 4120, -1, 7, -9);

  private static byte[] bytes(LtxHeader header) {
    byte[] bytes = new byte[LtxHeader.BYTES];
    header.write(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    return bytes;
  }

  private static ByteBuffer buffer(LtxHeader header) {
    return ByteBuffer.wrap(bytes(header));
  }

  @Test
  void everyFieldSurvives() throws LtxFormatException {
    ByteBuffer bytes = buffer(FULL);
    assertEquals(FULL, LtxHeader.parse(bytes, "f"));
    assertEquals(0, bytes.remaining());
    LtxHeader ours = LtxHeader.of(65536, 1, LtxFiles.range(1, 1), 1);
    assertEquals(ours, LtxHeader.parse(buffer(ours).order(ByteOrder.LITTLE_ENDIAN), "f"));
  }

  @Test
  void reservedBytesAreWrittenAsZeroAndIgnored() throws LtxFormatException {
    ByteBuffer bytes = buffer(FULL);
    assertArrayEquals(new byte[20], Arrays.copyOfRange(bytes(FULL), 80, 100));
    bytes.put(99, (byte) 1);
    assertEquals(FULL, LtxHeader.parse(bytes, "f"));
  }

  @ParameterizedTest(name = "{0} at {1}")
  @CsvSource({
    "magic,            0, 4c545832, 0",
    "flag bit 0,       4, 00000001, 4",
    "flag bit 2,       4, 00000004, 4",
    "flag bit 31,      4, 80000000, 4",
    "page size 0,      8, 00000000, 8",
    "page size 256,    8, 00000100, 8",
    "page size 131072, 8, 00020000, 8",
    "page size 4097,   8, 00001001, 8",
    "page size 2^31,   8, 80000000, 8",
    "min TXID 0,      16, 0000000000000000, 16",
    "max before min,  24, 0000000000000001, 24",
    "no pre-apply,    40, 0000000000000000, 40",
    "no bit 63,       40, 7000000000000000, 40",
    "pre of snapshot,  16, 0000000000000001, 40",
    "pre without sums,  4, 00000002, 40",
    "WAL offset < 0,  48, 8000000000000020, 48",
    "WAL without at,  48, 0000000000000000, 48",
    "WAL size < 0,    56, 8000000000000000, 56",
  })
  void brokenRuleNamesFileAndOffset(String what, int at, String hex, int offset) {
    ByteBuffer bytes = buffer(FULL);
    for (int i = 0; i < hex.length() / 2; i++) {
      bytes.put(at + i, (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16));
    }
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> LtxHeader.parse(bytes, "s3://b/f.ltx"), what);
    assertEquals("s3://b/f.ltx", e.file());
    assertEquals(offset, e.offset(), e.getMessage());
  }

  @Test
  void saltAloneNeedsAWalOffset() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new LtxHeader(2, 512, 1, LtxFiles.range(1, 1), 0, 0, 0, 0, 0, 1, 0));
    assertThrows(
        IllegalArgumentException.class,
        () -> new LtxHeader(2, 512, 1L << 32, LtxFiles.range(1, 1), 0, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void truncatedHeaderSaysWhereItEnds() {
    ByteBuffer bytes = buffer(FULL).limit(99);
    assertEquals(
        99, assertThrows(LtxFormatException.class, () -> LtxHeader.parse(bytes, "f")).offset());
  }

  @Test
  void randomHeadersParseToWhatTheySayOrAreRefused() {
    long seed = 11;
    Random random = new Random(seed);
    int parsed = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = bytes(FULL);
      for (int i = random.nextInt(4); i >= 0; i--) {
        bytes[random.nextInt(80)] = (byte) (random.nextBoolean() ? 0 : 1 << random.nextInt(8));
      }
      try {
        LtxHeader header = LtxHeader.parse(ByteBuffer.wrap(bytes), "f");
        assertArrayEquals(bytes, bytes(header), "seed " + seed + " round " + round);
        parsed++;
      } catch (LtxFormatException e) {
        assertTrue(e.offset() >= 0 && e.offset() < 100, e.getMessage());
      }
    }
    assertTrue(parsed > 1000 && parsed < 19_000, "parsed " + parsed);
  }

  @Test
  void trailerRulesAreChecked() throws LtxFormatException {
    LtxTrailer trailer = new LtxTrailer(1L << 63 | 5, -3);
    ByteBuffer bytes = ByteBuffer.allocate(16);
    trailer.write(bytes);
    assertEquals(trailer, LtxTrailer.parse(bytes.flip(), 1000, "f"));
    trailer.requireFits(FULL, 1000, "f");
    LtxHeader none = LtxHeader.of(512, 1, LtxFiles.range(1, 1), 0);
    assertEquals(
        1000,
        assertThrows(LtxFormatException.class, () -> trailer.requireFits(none, 1000, "f"))
            .offset());
    LtxTrailer unsummed = new LtxTrailer(0, -3);
    assertThrows(LtxFormatException.class, () -> unsummed.requireFits(FULL, 1000, "f"));
    assertEquals(1008, parseTrailer(0, 5).offset());
    assertEquals(1000, parseTrailer(5, -5).offset());
    LtxHeader deleted = new LtxHeader(0, 512, 0, LtxFiles.range(2, 2), 0, -1, 0, 0, 0, 0, 0);
    assertThrows(LtxFormatException.class, () -> trailer.requireFits(deleted, 1000, "f"));
    new LtxTrailer(Checksums.EMPTY_DATABASE, -3).requireFits(deleted, 1000, "f");
  }

  private static LtxFormatException parseTrailer(long post, long checksum) {
    ByteBuffer bytes = ByteBuffer.allocate(16).putLong(post).putLong(checksum).flip();
    return assertThrows(LtxFormatException.class, () -> LtxTrailer.parse(bytes, 1000, "f"));
  }

  @Test
  void lockPageHoldsTheByteAtOneGibibyte() {
    assertEquals(262145, LockPage.pgno(4096));
    assertEquals(16385, LockPage.pgno(65536));
    assertEquals(2097153, LockPage.pgno(512));
  }
}
