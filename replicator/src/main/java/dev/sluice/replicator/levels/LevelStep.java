package dev.sluice.replicator.levels;

/**
 * The moments after which a process may be gone with something else on disk or in the replica than
 * before. Whatever the step, the next process that looks after the replica goes on from there:
 * nothing is lost, and no file stays behind.
 */
public enum LevelStep {
  /** What a process before this one left on disk is gone. */
  LEFTOVER_DELETED,
  /** The replica was listed. */
  LISTED,
  /** The output is there under its temporary name, empty. */
  OUTPUT_CREATED,
  /** It is complete. */
  OUTPUT_WRITTEN,
  /** It is in the replica, on its level. */
  OUTPUT_STORED,
  /** It is no longer on disk. */
  OUTPUT_DELETED,
  /** Files that nobody needs are gone from the replica. */
  EXPIRED_DELETED;

  /** Hears of each step, on the thread that took it; what it throws ends the operation there. */
  @FunctionalInterface
  public interface Listener {
    void reached(LevelStep step);
  }
}
