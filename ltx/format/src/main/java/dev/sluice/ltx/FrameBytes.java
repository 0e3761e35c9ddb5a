package dev.sluice.ltx;

import java.io.IOException;

/**
 * The bytes of one page frame, by their distance from its start: a slice that has them all, or a
 * stream that reads them as they are asked for. Not for the bytes outside the frame. Confined to
 * one thread at a time.
 *
 * @param <X> what asking for bytes can throw
 */
interface FrameBytes<X extends IOException> {

  /**
   * Returns where in {@link #array()} byte {@code at} of the frame stands, with {@code count} bytes
   * from there on. Earlier answers are void after this.
   */
  int require(int at, int count) throws X;

  /** Returns the array that the last answer of {@link #require} points into. */
  byte[] array();

  /** Returns how the file is named in messages. */
  String file();

  /** Returns where in the file the frame starts. */
  long fileOffset();

  /** Returns the exception that says which rule byte {@code at} of the frame breaks. */
  default LtxFormatException broken(int at, String rule) {
    return new LtxFormatException(file(), fileOffset() + at, rule);
  }

  /** As the other, with the failure of the codec below as the cause. */
  default LtxFormatException broken(int at, String rule, Throwable cause) {
    return new LtxFormatException(file(), fileOffset() + at, rule, cause);
  }
}
