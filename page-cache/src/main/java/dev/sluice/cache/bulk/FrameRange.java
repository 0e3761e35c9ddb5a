package dev.sluice.cache.bulk;

import dev.sluice.ltx.PageFrame;
import dev.sluice.ltx.PageIndex;

/**
 * Frames that follow each other in a file, and with the last ones the mark that ends them.
 * Immutable.
 *
 * @param first the first one's entry in the page index
 * @param offset where in the file the first one starts
 * @param bytes of all frames, and of the end mark if it is among them
 */
record FrameRange(int first, int count, long offset, int bytes, boolean isLast) {

  /**
   * Returns the frames from an entry on that have at most so many bytes, but at least one if there
   * is one.
   *
   * @param limit the entry before which they end
   */
  static FrameRange from(int first, int limit, PageIndex index, int bytesMax) {
    long offset = index.offset(first);
    int end = first;
    while (end < limit
        && (end == first || index.offset(end) + index.frameBytes(end) - offset <= bytesMax)) {
      end++;
    }
    return between(first, end, index);
  }

  /** Returns all frames of a file. */
  static FrameRange all(PageIndex index) {
    return between(0, index.count(), index);
  }

  private static FrameRange between(int first, int end, PageIndex index) {
    boolean isLast = end == index.count();
    long endOffset = isLast ? index.indexOffset() : index.offset(end);
    long offset =
        first == index.count() ? index.indexOffset() - PageFrame.HEADER_BYTES : index.offset(first);
    return new FrameRange(first, end - first, offset, (int) (endOffset - offset), isLast);
  }
}
