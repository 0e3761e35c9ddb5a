package dev.sluice.replicator.upload;

/**
 * The moments after which a process may be gone with something else in the replica, or on disk,
 * than before. Whatever the step, storing the file again ends in the same state.
 */
public enum UploadStep {
  /** An image that begins a history anew is on disk as a snapshot. */
  SNAPSHOT_WRITTEN,
  /** It is in the replica, and its level-0 file is not. */
  SNAPSHOT_STORED,
  /** The file is in the replica, and in the spool as well. */
  STORED;

  /** Hears of each step, on the thread that took it; what it throws ends the operation there. */
  @FunctionalInterface
  public interface Listener {
    void reached(UploadStep step);
  }
}
