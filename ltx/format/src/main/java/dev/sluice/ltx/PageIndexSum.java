package dev.sluice.ltx;

/**
 * What is kept of the frames of a file so that its page index can be checked against them, whatever
 * their number: where they end, how many they are, and a CRC of pages and sizes in order. Changes
 * with each frame; confined to one thread at a time.
 */
final class PageIndexSum {
  private final Crc64 crc = new Crc64();
  private long end = LtxHeader.BYTES;
  private long count;

  /** Adds the frame that starts where the last one ended. */
  void add(long pgno, int frameBytes) {
    crc.updateInt((int) pgno);
    crc.updateInt(frameBytes);
    end += frameBytes;
    count++;
  }

  /** Returns where the last frame ends. */
  long end() {
    return end;
  }

  long count() {
    return count;
  }

  /** Returns whether the same frames were added here and there. */
  boolean isSameAs(PageIndexSum other) {
    return count == other.count && end == other.end && crc.value() == other.crc.value();
  }
}
