package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Crc64Test {
  private static final int LENGTHS = 2200;

  private final byte[] bytes = new byte[3 * 65536 + 7];

  {
    new Random(64).nextBytes(bytes);
  }

  /** The definition, bit by bit. */
  private static long slow(byte[] bytes, int offset, int length) {
    long crc = -1L;
    for (int i = offset; i < offset + length; i++) {
      crc ^= bytes[i] & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc >>> 1) ^ ((crc & 1) != 0 ? 0xD800000000000000L : 0);
      }
    }
    return ~crc;
  }

  @Test
  void valueIsThatOfGosIso() {
    assertEquals(0xb90956c775a41001L, Crc64.of("123456789".getBytes(StandardCharsets.US_ASCII)));
    assertEquals(0x3420000000000000L, Crc64.of(new byte[] {'a'}));
    assertEquals(0, Crc64.of(new byte[0]));
  }

  @Test
  void everyLengthAndAlignmentMatchesTheDefinition() {
    for (int length = 0; length < LENGTHS; length++) {
      int offset = length % 11;
      assertEquals(
          slow(bytes, offset, length), Crc64.of(bytes, offset, length), "length " + length);
    }
    for (int length : new int[] {4096, 8191, 8192, 8200, 8192 + 512, 65536, bytes.length}) {
      assertEquals(slow(bytes, 0, length), Crc64.of(bytes, 0, length), "length " + length);
    }
  }

  @Test
  void piecesGiveTheValueOfTheWhole() {
    Random random = new Random(65);
    for (int round = 0; round < 200; round++) {
      Crc64 crc = new Crc64();
      int at = 0;
      while (at < bytes.length) {
        int length = Math.min(random.nextInt(1 << random.nextInt(1, 16)), bytes.length - at);
        if (random.nextBoolean()) {
          crc.update(bytes, at, length);
        } else {
          crc.update(buffer(random.nextBoolean(), at, length));
        }
        at += length;
      }
      assertEquals(Crc64.of(bytes), crc.value(), "round " + round);
    }
  }

  private ByteBuffer buffer(boolean direct, int at, int length) {
    ByteBuffer heap = ByteBuffer.wrap(bytes, at, length);
    return direct ? ByteBuffer.allocateDirect(length).put(heap).flip() : heap.slice();
  }

  @Test
  void bufferIsReadToItsLimit() {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).position(3).limit(100);
    Crc64 crc = new Crc64();
    crc.update(buffer);
    assertEquals(100, buffer.position());
    assertEquals(Crc64.of(bytes, 3, 97), crc.value());
  }

  @Test
  void crcsOfPartsCombine() {
    Random random = new Random(66);
    for (int round = 0; round < 500; round++) {
      int length = random.nextInt(70000);
      int cut = random.nextInt(length + 1);
      long whole = Crc64.of(bytes, 0, length);
      assertEquals(
          whole,
          Crc64.combine(Crc64.of(bytes, 0, cut), Crc64.of(bytes, cut, length - cut), length - cut));
    }
  }

  @Test
  void crcOfUnseenBytesIsAppended() {
    Random random = new Random(67);
    for (int length = 0; length <= 65536; length = length * 2 + random.nextInt(1, 3)) {
      int at = random.nextInt(bytes.length - length);
      Crc64 crc = new Crc64();
      crc.update(bytes, 0, at);
      crc.append(Crc64.of(bytes, at, length), length);
      crc.update(bytes, at + length, bytes.length - at - length);
      assertEquals(Crc64.of(bytes), crc.value(), at + " + " + length);
    }
  }

  @Test
  void combinationReachesPastIntegers() {
    long zeros = 1L << 34;
    long a = Crc64.of(bytes, 0, 100);
    // The CRC of 2^34 zeros, by doubling.
    long crc = Crc64.of(new byte[1]);
    for (long length = 1; length < zeros; length *= 2) {
      crc = Crc64.combine(crc, crc, length);
    }
    long inTwo = Crc64.combine(Crc64.combine(a, crc, zeros), crc, zeros);
    assertEquals(Crc64.combine(a, Crc64.combine(crc, crc, zeros), 2 * zeros), inTwo);
    assertThrows(IllegalArgumentException.class, () -> Crc64.combine(1, 2, -1));
  }

  @Test
  void rangeOutsideTheArrayIsRefused() {
    assertThrows(IndexOutOfBoundsException.class, () -> Crc64.of(new byte[10], 5, 6));
  }
}
