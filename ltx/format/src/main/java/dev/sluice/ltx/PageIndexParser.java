package dev.sluice.ltx;

import java.nio.ByteBuffer;

/**
 * Reads the entries of one page index and checks each of them. Used once; confined to one thread.
 */
final class PageIndexParser {
  private static final int FRAME_BYTES_MAX = PageFrame.maxBytes(LtxHeader.PAGE_SIZE_MAX);

  private final ByteBuffer in;
  private final long indexOffset;
  private final String file;
  private final PageIndexBuilder entries;

  /**
   * Takes the bytes of the index, from the first entry to the terminating 0, from position 0 to
   * limit.
   */
  PageIndexParser(ByteBuffer in, long indexOffset, String file) {
    this.in = in;
    this.indexOffset = indexOffset;
    this.file = file;
    this.entries = new PageIndexBuilder(countEntries(in));
  }

  /**
   * Returns how many entries there are if the index is sound; never more than a third of its bytes.
   */
  private static int countEntries(ByteBuffer in) {
    int numbers = 0;
    for (int i = 0; i < in.limit(); i++) {
      numbers += in.get(i) >= 0 ? 1 : 0;
    }
    return numbers / 3;
  }

  PageIndex parse() throws LtxFormatException {
    long framesEnd = indexOffset - PageFrame.HEADER_BYTES;
    for (long start = here(), pgno = number(); pgno != 0; start = here(), pgno = number()) {
      if (pgno > LtxHeader.PGNO_MAX || pgno <= entries.lastPgno()) {
        throw broken(start, "page " + pgno + " after page " + entries.lastPgno());
      }
      long offset = number();
      long size = number();
      if (offset != entries.end()) {
        throw broken(
            start, "the frame of page " + pgno + " is at " + offset + ", not at " + entries.end());
      }
      if (size < PageFrame.MIN_BYTES || size > FRAME_BYTES_MAX || size > framesEnd - offset) {
        throw broken(
            start,
            "the frame of page " + pgno + " at " + offset + " cannot have " + size + " bytes");
      }
      entries.add(pgno, (int) size);
    }
    if (in.hasRemaining()) {
      throw broken(here(), in.remaining() + " bytes after the end of the page index");
    }
    if (entries.end() != framesEnd) {
      throw broken(
          indexOffset, "the page index ends at " + entries.end() + ", the frames at " + framesEnd);
    }
    return entries.build();
  }

  private long here() {
    return indexOffset + in.position();
  }

  private long number() throws LtxFormatException {
    return Varints.read(in, here(), file);
  }

  private LtxFormatException broken(long offset, String rule) {
    return new LtxFormatException(file, offset, rule);
  }
}
