package dev.sluice.storage;

import dev.sluice.ltx.TxidRange;

/**
 * The name of an LTX file within a replica. A name is not an identity: a replica can be deleted and
 * begun anew. Immutable.
 *
 * @param level compaction level, 0 (as captured) to 9 (snapshots)
 * @param range the TXIDs the file covers
 */
public record LtxFileName(int level, TxidRange range) {

  /** The greatest level; its files are snapshots. */
  public static final int SNAPSHOT_LEVEL = 9;

  public LtxFileName {
    if (level < 0 || level > SNAPSHOT_LEVEL) {
      throw new IllegalArgumentException("level " + level + " is not in 0.." + SNAPSHOT_LEVEL);
    }
  }

  /** Returns {@code L<level> <min>-<max>}, for messages. */
  @Override
  public String toString() {
    return "L" + level + " " + range;
  }
}
