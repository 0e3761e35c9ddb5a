package dev.sluice.replicator.capture;

/**
 * What {@code PRAGMA wal_checkpoint} answers. Immutable.
 *
 * @param isBusy whether somebody else was at it; the numbers say nothing then
 * @param mxFrame the last frame of the WAL that counts; 0 if there is none
 * @param backfilled how many of them the database file has
 */
record Checkpoint(boolean isBusy, long mxFrame, long backfilled) {

  boolean isComplete() {
    return !isBusy && backfilled == mxFrame;
  }
}
