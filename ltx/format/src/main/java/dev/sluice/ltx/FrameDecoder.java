package dev.sluice.ltx;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Decodes single page frames, as range reads bring them. Thread-safe. */
public final class FrameDecoder {
  private FrameDecoder() {}

  /**
   * Decodes one frame of either kind and fills {@code pageSize} bytes of {@code dst}. What a frame
   * cannot prove: a sized frame carries no checksum, so damage that still decodes to one page goes
   * unnoticed until the file's checksum is known.
   *
   * @param frameBytes the size of the whole frame, header included, as the page index gives it
   * @param pgno the page that the frame must be of
   * @param dst where the page goes, from {@code dstOffset} on; what it holds after an exception is
   *     undefined
   * @param file how the file is named in messages
   * @param fileOffset where the frame starts in the file
   * @throws LtxFormatException if the frame is of another page or kind, or is not {@code
   *     frameBytes} long, or does not decode to exactly one page
   */
  public static void decode(
      byte[] src,
      int offset,
      int frameBytes,
      long pgno,
      int pageSize,
      byte[] dst,
      int dstOffset,
      String file,
      long fileOffset)
      throws LtxFormatException {
    FrameSlice in = new FrameSlice(src, offset, frameBytes, file, fileOffset);
    long found =
        Integer.toUnsignedLong(ByteBuffer.wrap(src).getInt(in.require(0, PageFrame.HEADER_BYTES)));
    if (found != pgno) {
      throw in.broken(0, "the frame is of page " + found + ", not " + pgno);
    }
    int decoded = decode(in, new PageSlot(dst, dstOffset, pageSize));
    if (decoded != frameBytes) {
      throw in.broken(
          decoded, "the frame has " + decoded + " bytes, not " + frameBytes + " as its index says");
    }
  }

  /**
   * Decodes the frame into the page and returns how many bytes the frame has; the pgno is the
   * caller's to check.
   */
  static <X extends IOException> int decode(FrameBytes<X> in, PageSlot page)
      throws X, LtxFormatException {
    int index = in.require(0, PageFrame.HEADER_BYTES);
    int flags =
        Short.toUnsignedInt(ByteBuffer.wrap(in.array()).getShort(index + PageFrame.AT_FLAGS));
    if (flags == PageFrame.FLAG_SIZE) {
      return decodeSized(in, page);
    }
    if (flags == 0) {
      return Lz4.decodeFrame(in, PageFrame.HEADER_BYTES, page);
    }
    throw in.broken(PageFrame.AT_FLAGS, "unknown frame flags 0x" + Integer.toHexString(flags));
  }

  private static <X extends IOException> int decodeSized(FrameBytes<X> in, PageSlot page)
      throws X, LtxFormatException {
    int index = in.require(PageFrame.HEADER_BYTES, Integer.BYTES);
    int length = ByteBuffer.wrap(in.array()).getInt(index);
    if (length < 1 || length > PageFrame.maxBlockBytes(page.size())) {
      throw in.broken(
          PageFrame.HEADER_BYTES,
          Integer.toUnsignedString(length) + " bytes are no LZ4 block of a page of " + page.size());
    }
    int decoded = Lz4.decodeBlock(in, PageFrame.SIZED_HEADER_BYTES, length, page, 0);
    if (decoded != page.size()) {
      throw in.broken(
          PageFrame.SIZED_HEADER_BYTES,
          "the frame holds " + decoded + " bytes, not one page of " + page.size());
    }
    return PageFrame.SIZED_HEADER_BYTES + length;
  }
}
