package dev.sluice.vfs;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/**
 * What all connections of this process have read since it began, as libsluice counts. Immutable.
 *
 * @param calls pages for which Java was asked
 * @param headers reads of page 1's first bytes, answered from the view
 * @param copies pages, or parts of one, copied from a page store
 */
public record PageReads(long calls, long headers, long copies) {
  private static final int TOTALS = 5;

  /** Returns what was read until now; {@link Sluice#register} was called before. */
  public static PageReads now() {
    try (Memory totals = new Memory(TOTALS * (long) Long.BYTES)) {
      int count = Libsluice.sluice_counters(Pointer.nativeValue(totals), TOTALS);
      if (count < TOTALS) {
        throw new IllegalStateException(count + " counters");
      }
      long[] said = totals.getLongArray(0, TOTALS);
      return new PageReads(said[0], said[1], said[4]);
    }
  }
}
