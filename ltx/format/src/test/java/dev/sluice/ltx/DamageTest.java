package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DamageTest {
  private static final String FILE = "s3://bucket/db/damaged.ltx";

  /** Small files of every make: sized frames, legacy frames, with checksums, our own. */
  static Stream<byte[]> files() throws IOException {
    byte[] ours =
        LtxFiles.encode(
            LtxHeader.of(512, 4, LtxFiles.range(1, 1), 5), LtxFiles.pages(3, 512, 1, 2, 3, 4), 0);
    return Stream.of(smallest("wal-512"), smallest("legacy-4096"), smallest("sum-4096"), ours);
  }

  private static byte[] smallest(String name) {
    return Golden.named(name).files().stream()
        .map(file -> file.bytes())
        .min(Comparator.comparingInt(bytes -> bytes.length))
        .orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("files")
  void flippedByteIsFoundOrHarmless(byte[] file) throws IOException {
    LtxFiles.Decoded sound = LtxFiles.decode(file, FILE);
    for (int at = 0; at < file.length; at++) {
      for (int mask : new int[] {0x01, 0x80, 0xFF}) {
        byte[] damaged = file.clone();
        damaged[at] ^= (byte) mask;
        requireFoundOrHarmless(damaged, sound, at);
      }
    }
  }

  /**
   * Only a flip inside an LZ4 block may pass, and only if the block still decompresses to the same
   * page.
   */
  private static void requireFoundOrHarmless(byte[] damaged, LtxFiles.Decoded sound, int at)
      throws IOException {
    try {
      LtxFiles.Decoded decoded = LtxFiles.decode(damaged, FILE);
      assertTrue(isInsideBlock(damaged, sound.index(), at), "byte " + at);
      assertEquals(sound.header(), decoded.header());
      assertEquals(sound.pages().keySet(), decoded.pages().keySet());
      sound.pages().forEach((pgno, page) -> assertArrayEquals(page, decoded.pages().get(pgno)));
    } catch (LtxFormatException e) {
      assertEquals(FILE, e.file());
      assertTrue(e.offset() >= 0 && e.offset() <= damaged.length, e.getMessage());
    }
  }

  private static boolean isInsideBlock(byte[] file, PageIndex index, int at) {
    for (int i = 0; i < index.count(); i++) {
      boolean isSized = file[(int) index.offset(i) + 5] == 1;
      int from = isSized ? 10 : 6 + 7 + 4;
      int behind = isSized ? 0 : 4 + 4;
      if (at >= index.offset(i) + from && at < index.offset(i) + index.frameBytes(i) - behind) {
        return true;
      }
    }
    return false;
  }

  @ParameterizedTest
  @MethodSource("files")
  void truncationIsFoundWhereTheBytesEnd(byte[] file) {
    for (int length = 0; length < file.length; length++) {
      byte[] cut = Arrays.copyOf(file, length);
      LtxFormatException e =
          assertThrows(LtxFormatException.class, () -> LtxFiles.decode(cut, FILE));
      assertEquals(FILE, e.file());
      assertEquals(length, e.offset(), e.getMessage());
      assertThrowsFormat(() -> PageIndex.parse(ByteBuffer.wrap(cut), cut.length, FILE));
    }
  }

  @Test
  void truncationOfTheLast200BytesOfALargeFileIsFound() {
    byte[] file = Golden.named("live-4096").files().get(0).bytes();
    for (int missing = 1; missing <= 200; missing++) {
      byte[] cut = Arrays.copyOf(file, file.length - missing);
      LtxFormatException e =
          assertThrows(LtxFormatException.class, () -> LtxFiles.decode(cut, FILE));
      assertEquals(cut.length, e.offset(), e.getMessage());
      assertThrowsFormat(() -> PageIndex.parse(ByteBuffer.wrap(cut), cut.length, FILE));
    }
  }

  private interface Parse {
    void run() throws IOException;
  }

  private static void assertThrowsFormat(Parse parse) {
    assertThrows(LtxFormatException.class, parse::run);
  }

  @ParameterizedTest
  @MethodSource("files")
  void bytesAfterTheTrailerAreFound(byte[] file) {
    byte[] longer = Arrays.copyOf(file, file.length + 1);
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> LtxFiles.decode(longer, FILE));
    assertEquals(file.length, e.offset());
  }

  @ParameterizedTest
  @MethodSource("files")
  void randomDamageNeverEscapesAsAnotherException(byte[] file) throws IOException {
    LtxFiles.Decoded sound = LtxFiles.decode(file, FILE);
    long seed = 20;
    Random random = new Random(seed);
    for (int round = 0; round < 3000; round++) {
      byte[] damaged = file.clone();
      int from = random.nextInt(file.length);
      int to = Math.min(file.length, from + 1 + random.nextInt(40));
      for (int i = from; i < to; i++) {
        damaged[i] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextInt(2) - 1);
      }
      String what = "seed " + seed + " round " + round;
      decodeByIndex(damaged);
      try {
        LtxFiles.decode(damaged, FILE)
            .pages()
            .forEach((pgno, page) -> assertArrayEquals(sound.pages().get(pgno), page, what));
      } catch (LtxFormatException e) {
        assertTrue(e.offset() >= 0 && e.offset() <= damaged.length, what + ": " + e.getMessage());
      }
    }
  }

  /**
   * Reads as range reads do; damage may go unnoticed here, but never ends in anything but its own
   * exception.
   */
  private static void decodeByIndex(byte[] file) {
    try {
      LtxHeader header = LtxHeader.parse(ByteBuffer.wrap(file), FILE);
      PageIndex index = PageIndex.parse(ByteBuffer.wrap(file), file.length, FILE);
      index.requireFits(header, FILE);
      byte[] page = new byte[header.pageSize()];
      for (int i = 0; i < index.count(); i++) {
        int offset = (int) index.offset(i);
        FrameDecoder.decode(
            file, offset, index.frameBytes(i), index.pgno(i), page.length, page, 0, FILE, offset);
      }
    } catch (LtxFormatException e) {
      assertEquals(FILE, e.file());
      assertTrue(e.offset() >= 0 && e.offset() <= file.length, e.getMessage());
    }
  }

  @Test
  void failureOfTheStreamPassesUnchanged() throws IOException {
    byte[] file = smallest("wal-512");
    IOException failure = new IOException("connection reset");
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw failure;
          }

          @Override
          public int read(byte[] dst, int offset, int length) throws IOException {
            throw failure;
          }
        };
    InputStream in = new SequenceInputStream(new ByteArrayInputStream(file, 0, 150), broken);
    try (LtxDecoder decoder = new LtxDecoder(in, FILE)) {
      assertSame(failure, assertThrows(IOException.class, decoder::next));
      assertThrows(IllegalStateException.class, decoder::next);
      assertThrows(IllegalStateException.class, decoder::finish);
    }
  }

  @Test
  void finishBeforeTheLastPageIsACallersBug() throws IOException {
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(smallest("wal-512")), FILE)) {
      assertThrows(IllegalStateException.class, decoder::finish);
      assertThrows(IllegalStateException.class, decoder::index);
      while (decoder.next()) {
        assertTrue(decoder.pgno() > 0);
      }
      decoder.finish();
      assertThrows(IllegalStateException.class, decoder::finish);
    }
  }

  @Test
  void bytesThatComeOneByOneAreAFileToo() throws IOException {
    byte[] file = smallest("legacy-4096");
    InputStream slow =
        new ByteArrayInputStream(file) {
          @Override
          public synchronized int read(byte[] dst, int offset, int length) {
            return super.read(dst, offset, Math.min(length, 1));
          }
        };
    try (LtxDecoder decoder = new LtxDecoder(slow, FILE)) {
      int pages = 0;
      while (decoder.next()) {
        pages++;
      }
      decoder.finish();
      assertEquals(LtxFiles.decode(file, FILE).pages().size(), pages);
    }
  }
}
