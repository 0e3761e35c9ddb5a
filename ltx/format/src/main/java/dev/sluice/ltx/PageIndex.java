package dev.sluice.ltx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where each page's frame is in one LTX file: 12 bytes of memory an entry. Immutable; an instance's
 * pages ascend and its frames follow each other without a gap from the header to the end mark, so a
 * frame's size is the distance to the next one's start.
 *
 * <pre>
 *   header | frame ... | 6 zeros | entry ... | 0 | length, 8 bytes | trailer, 16 bytes
 *                                 ^ indexOffset
 *   entry: uvarint pgno, uvarint offset of the frame in the file, uvarint size of the whole frame
 *   length: of the entries and the 0
 * </pre>
 */
public final class PageIndex {

  /** The length field and the trailer: what stands behind the index. */
  static final int LENGTH_AND_TRAILER_BYTES = Long.BYTES + LtxTrailer.BYTES;

  private static final int FRAMES_OFFSET = LtxHeader.BYTES;

  private final int[] pgnos;
  private final long[] offsets;

  /** Takes the arrays over: {@code offsets} has one element more, the offset of the end mark. */
  PageIndex(int[] pgnos, long[] offsets) {
    this.pgnos = pgnos;
    this.offsets = offsets;
  }

  /**
   * Returns how many bytes from the end of the file on hold index, length field and trailer.
   *
   * @param tail the last bytes of the file, from position to limit; at least 24
   * @throws LtxFormatException if the length field says more than the file can hold
   */
  public static long indexBytesFrom(ByteBuffer tail, long fileSize, String file)
      throws LtxFormatException {
    long lengthOffset = fileSize - LENGTH_AND_TRAILER_BYTES;
    if (lengthOffset < FRAMES_OFFSET + PageFrame.HEADER_BYTES + 1) {
      throw new LtxFormatException(
          file, fileSize, "the file ends too early: " + fileSize + " bytes");
    }
    if (tail.remaining() < LENGTH_AND_TRAILER_BYTES) {
      throw new IllegalArgumentException("a tail of " + tail.remaining() + " bytes");
    }
    long length =
        tail.slice()
            .order(ByteOrder.BIG_ENDIAN)
            .getLong(tail.remaining() - LENGTH_AND_TRAILER_BYTES);
    if (length < 1 || length > lengthOffset - FRAMES_OFFSET - PageFrame.HEADER_BYTES) {
      throw new LtxFormatException(
          file,
          lengthOffset,
          "a page index of " + Long.toUnsignedString(length) + " bytes in a file of " + fileSize);
    }
    return length + LENGTH_AND_TRAILER_BYTES;
  }

  /**
   * Reads the page index out of the tail of a file.
   *
   * @param tail the last bytes of the file, from position to limit; at least as many as {@link
   *     #indexBytesFrom} says
   * @throws LtxFormatException if the index breaks a rule that can be seen without the header; see
   *     {@link #requireFits}
   */
  public static PageIndex parse(ByteBuffer tail, long fileSize, String file)
      throws LtxFormatException {
    long needed = indexBytesFrom(tail, fileSize, file);
    if (tail.remaining() < needed) {
      throw new IllegalArgumentException(
          "a tail of " + tail.remaining() + " bytes for an index that needs " + needed);
    }
    long indexOffset = fileSize - needed;
    ByteBuffer index = tail.slice();
    requireEndMark(index, (int) (index.limit() - needed), indexOffset, file);
    index.position((int) (index.limit() - needed)).limit(index.limit() - LENGTH_AND_TRAILER_BYTES);
    return new PageIndexParser(index.slice(), indexOffset, file).parse();
  }

  /** Checks the zeros before the index, if the tail reaches that far. */
  private static void requireEndMark(ByteBuffer tail, int at, long indexOffset, String file)
      throws LtxFormatException {
    for (int i = 1; i <= PageFrame.HEADER_BYTES && i <= at; i++) {
      if (tail.get(at - i) != 0) {
        throw new LtxFormatException(
            file, indexOffset - i, "the mark that ends the frames is not zero");
      }
    }
  }

  /**
   * Checks the entries against the header of their file.
   *
   * @throws LtxFormatException if a page is past commit or the lock page, a snapshot lacks a page,
   *     or a frame is longer than any of its page size; the offset is that of the frame
   */
  public void requireFits(LtxHeader header, String file) throws LtxFormatException {
    PageOrder order = new PageOrder(header);
    int maxBytes = PageFrame.maxBytes(header.pageSize());
    int i = 0;
    try {
      for (; i < count(); i++) {
        order.next(pgno(i));
        if (frameBytes(i) > maxBytes) {
          throw new FieldException(
              0, "a frame of " + frameBytes(i) + " bytes for a page of " + header.pageSize());
        }
      }
      order.end();
    } catch (FieldException e) {
      throw e.in(file, offsets[i]);
    }
  }

  /** Returns the number of pages in the file. */
  public int count() {
    return pgnos.length;
  }

  /** Returns the pgno of an entry. */
  public long pgno(int i) {
    return Integer.toUnsignedLong(pgnos[i]);
  }

  /** Returns where in the file the frame of an entry starts. */
  public long offset(int i) {
    return offsets[i];
  }

  /** Returns the size of the whole frame of an entry, header included. */
  public int frameBytes(int i) {
    return (int) (offsets[i + 1] - offsets[i]);
  }

  /** Returns the entry of a page, or -1 if the file does not hold it. */
  public int find(long pgno) {
    // Page p of a snapshot is entry p - 1, and in any file it cannot stand further back.
    int high = (int) Math.min(count(), pgno) - 1;
    if (high >= 0 && pgno(high) == pgno) {
      return high;
    }
    int low = 0;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      long found = pgno(middle);
      if (found == pgno) {
        return middle;
      }
      if (found < pgno) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }

  /** Returns where in the file the index starts. */
  public long indexOffset() {
    return offsets[pgnos.length] + PageFrame.HEADER_BYTES;
  }

  /** Returns the bytes of memory that this index takes. */
  public int heapBytes() {
    long bytes = 56L + (long) pgnos.length * Integer.BYTES + (long) offsets.length * Long.BYTES;
    return (int) Math.min(bytes, Integer.MAX_VALUE);
  }
}
