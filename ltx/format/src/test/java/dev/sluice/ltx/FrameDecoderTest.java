package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import net.jpountz.lz4.LZ4FrameOutputStream;
import net.jpountz.lz4.LZ4FrameOutputStream.BLOCKSIZE;
import net.jpountz.lz4.LZ4FrameOutputStream.FLG.Bits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameDecoderTest {
  private static final String FILE = "f.ltx";
  private static final long FILE_OFFSET = 5000;

  private static byte[] page(int size, boolean isNoise) {
    byte[] page = new byte[size];
    new Random(size).nextBytes(page);
    if (!isNoise) {
      Arrays.fill(page, size / 8, size, (byte) 3);
    }
    return page;
  }

  /** Returns a frame of the legacy kind, as the library's own frame stream compresses it. */
  private static byte[] legacy(byte[] page, BLOCKSIZE blockSize, Bits... bits) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ByteBuffer.allocate(6).putInt(9).array());
    try (LZ4FrameOutputStream lz4 = new LZ4FrameOutputStream(out, blockSize, page.length, bits)) {
      lz4.write(page);
    }
    return out.toByteArray();
  }

  private static byte[] sized(byte[] page) {
    byte[] frame = new byte[PageFrame.maxBytes(page.length)];
    int length = Lz4.compress(page, frame, 10);
    ByteBuffer.wrap(frame).putInt(9).putShort((short) 1).putInt(length);
    return Arrays.copyOf(frame, 10 + length);
  }

  private static byte[] decode(byte[] frame, int pageSize) throws LtxFormatException {
    byte[] dst = new byte[pageSize + 3];
    FrameDecoder.decode(frame, 0, frame.length, 9, pageSize, dst, 2, FILE, FILE_OFFSET);
    return Arrays.copyOfRange(dst, 2, 2 + pageSize);
  }

  private static LtxFormatException refused(byte[] frame, int pageSize) {
    LtxFormatException e = assertThrows(LtxFormatException.class, () -> decode(frame, pageSize));
    assertEquals(FILE, e.file());
    assertTrue(
        e.offset() >= FILE_OFFSET && e.offset() <= FILE_OFFSET + frame.length, e.getMessage());
    return e;
  }

  @ParameterizedTest
  @EnumSource(BLOCKSIZE.class)
  void legacyFrameOfAnyClaimedBlockSizeDecodes(BLOCKSIZE blockSize) throws IOException {
    for (boolean isNoise : new boolean[] {true, false}) {
      byte[] page = page(65536, isNoise);
      assertArrayEquals(
          page,
          decode(legacy(page, blockSize, Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM), 65536));
    }
  }

  @Test
  void optionalFieldsOfALegacyFrameAreChecked() throws IOException {
    byte[] page = page(4096, false);
    Bits[] all = {
      Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM, Bits.CONTENT_SIZE, Bits.BLOCK_CHECKSUM
    };
    byte[] frame = legacy(page, BLOCKSIZE.SIZE_64KB, all);
    assertArrayEquals(page, decode(frame, 4096));
    for (int at = 0; at < frame.length; at++) {
      byte[] damaged = frame.clone();
      damaged[at] ^= 0x20;
      refused(damaged, 4096);
    }
  }

  @Test
  void legacyFrameNeedsItsContentChecksum() throws IOException {
    byte[] frame = legacy(page(4096, false), BLOCKSIZE.SIZE_64KB, Bits.BLOCK_INDEPENDENCE);
    assertEquals(FILE_OFFSET + 10, refused(frame, 4096).offset());
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 2048, 8192, 65536})
  void frameOfAnotherPageSizeIsRefused(int size) throws IOException {
    byte[] page = page(size, false);
    refused(sized(page), 4096);
    refused(
        legacy(page, BLOCKSIZE.SIZE_64KB, Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM), 4096);
  }

  @Test
  void frameMustBeOfItsPageAndItsSize() throws IOException {
    byte[] page = page(4096, true);
    for (byte[] frame :
        new byte[][] {
          sized(page),
          legacy(page, BLOCKSIZE.SIZE_64KB, Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM)
        }) {
      assertArrayEquals(page, decode(frame, 4096));
      refused(Arrays.copyOf(frame, frame.length + 1), 4096);
      for (int length = 0; length < frame.length; length++) {
        refused(Arrays.copyOf(frame, length), 4096);
      }
      frame[3] = 8;
      assertEquals("the frame is of page 8, not 9", refused(frame, 4096).rule());
    }
  }

  @Test
  void unknownFlagsAreRefused() {
    byte[] frame = sized(page(512, false));
    for (int flags : new int[] {2, 3, 0x100, 0x8001, 0xFFFF}) {
      ByteBuffer.wrap(frame).putShort(4, (short) flags);
      assertEquals(FILE_OFFSET + 4, refused(frame, 512).offset());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 531, 1 << 20})
  void lengthThatNoPageCompressesToIsRefused(int length) {
    byte[] frame = sized(page(512, false));
    ByteBuffer.wrap(frame).putInt(6, length);
    assertEquals(FILE_OFFSET + 6, refused(frame, 512).offset());
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 531, 1 << 20})
  void legacyBlockThatNoPageCompressesToIsRefused(int size) throws IOException {
    byte[] frame =
        legacy(
            page(512, false), BLOCKSIZE.SIZE_4MB, Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM);
    ByteBuffer.wrap(frame).putInt(13, Integer.reverseBytes(size));
    refused(frame, 512);
  }

  @Test
  void sliceOutsideTheArrayIsACallersBug() {
    byte[] frame = sized(page(512, false));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> FrameDecoder.decode(frame, 1, frame.length, 9, 512, new byte[512], 0, FILE, 0));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> FrameDecoder.decode(frame, 0, frame.length, 9, 512, new byte[512], 1, FILE, 0));
  }
}
