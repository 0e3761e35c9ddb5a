package dev.sluice.cache.bulk;

import dev.sluice.ltx.FrameSum;

/**
 * Frames of a file that were decoded, and what they add to its checksums. Immutable.
 *
 * @param first the first one's entry in the page index
 */
public record SummedFrames(int first, FrameSum sum) {

  /** Returns the entry after the last one. */
  public int end() {
    return first + sum.count();
  }
}
