package dev.sluice.ltx;

import java.nio.ByteBuffer;

/**
 * Unsigned LEB128 numbers: seven bits a byte, the lowest first, bit 7 set in all bytes but the
 * last.
 */
final class Varints {

  /** The most bytes that a number takes. */
  static final int MAX_BYTES = 10;

  private Varints() {}

  /** Writes a number, read as unsigned, and returns where it ends. */
  static int write(long value, byte[] dst, int offset) {
    int at = offset;
    long rest = value;
    for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
      dst[at++] = (byte) (rest | 0x80);
    }
    dst[at++] = (byte) rest;
    return at;
  }

  /**
   * Reads a number at the buffer's position, and moves it past the number.
   *
   * @param offset where in the file the number starts
   * @return the number, never negative
   * @throws LtxFormatException if the buffer ends inside the number, or the number has more than 63
   *     bits
   */
  static long read(ByteBuffer in, long offset, String file) throws LtxFormatException {
    long value = 0;
    for (int i = 0; i < MAX_BYTES - 1; i++) {
      if (!in.hasRemaining()) {
        throw new LtxFormatException(file, offset + i, "the page index ends inside a number");
      }
      byte next = in.get();
      value |= (next & 0x7FL) << (7 * i);
      if (next >= 0) {
        return value;
      }
    }
    throw new LtxFormatException(file, offset, "a number of more than 63 bits in the page index");
  }
}
