package dev.sluice.ltx;

/**
 * The layout of one page in an LTX file. All integers are big-endian.
 *
 * <pre>
 *    0        4     6        10                 10 + N
 *   +--------+-----+--------+------------------+
 *   | pgno   |  1  | N      | LZ4 block        |     what we write
 *   +--------+-----+--------+------------------+
 *
 *    0        4     6
 *   +--------+-----+---------------------------+
 *   | pgno   |  0  | LZ4 frame                 |     legacy: the length is found by reading it
 *   +--------+-----+---------------------------+
 *
 *    0        4     6
 *   +--------+-----+
 *   |   0    |  0  |     the end of the frames
 *   +--------+-----+
 * </pre>
 *
 * <p>Either kind decompresses to exactly one page. A page that cannot be compressed is longer as a
 * frame than as a page.
 */
public final class PageFrame {

  /**
   * pgno and flags: the header of a legacy frame, and the length of the mark that ends the frames.
   */
  public static final int HEADER_BYTES = 6;

  /** pgno, flags and compressed length: the header of the frames that we write. */
  public static final int SIZED_HEADER_BYTES = 10;

  /** The least bytes a frame can have: a header and one byte of LZ4. */
  public static final int MIN_BYTES = SIZED_HEADER_BYTES + 1;

  static final int AT_FLAGS = 4;

  /** The flag of frames whose header carries the compressed length. */
  static final int FLAG_SIZE = 1;

  /**
   * What an LZ4 frame adds to a page it stores as it is: descriptor, block size, checksums and end
   * mark; rounded up.
   */
  private static final int LZ4_FRAME_BYTES = 64;

  private PageFrame() {}

  /** Returns the most bytes that a frame of either kind can have, its header included. */
  public static int maxBytes(int pageSize) {
    return SIZED_HEADER_BYTES + LZ4_FRAME_BYTES + maxBlockBytes(pageSize);
  }

  /** Returns the size of the header of a frame of either kind that starts at {@code offset}. */
  static int headerBytes(byte[] src, int offset) {
    return src[offset + AT_FLAGS + 1] == FLAG_SIZE ? SIZED_HEADER_BYTES : HEADER_BYTES;
  }

  /** Returns the most bytes that one page takes as an LZ4 block. */
  static int maxBlockBytes(int pageSize) {
    return pageSize + pageSize / 255 + 16;
  }
}
