package dev.sluice.replicator.spool;

/**
 * The moments after which a process may be gone with something else on disk than before: each is
 * reported as soon as it has happened. Whatever the step, a spool that is opened again has neither
 * lost what it had proved nor gives a TXID twice.
 */
public enum SpoolStep {
  /** Local state that is to be thrown away has lost its record. */
  RECORD_DELETED,
  /** Its files are gone. */
  EMPTIED,
  /** A log file is there, without a frame. */
  LOG_CREATED,
  /** A batch of frames is in the log; its last transaction may lack its end. */
  FRAMES_WRITTEN,
  /** Frames without a commit are cut off the log. */
  LOG_TRUNCATED,
  /** The LTX file is there under its temporary name, without its end. */
  CUT_CREATED,
  /** It is complete. */
  CUT_WRITTEN,
  CUT_FSYNCED,
  /** It has its name, but for a power cut. */
  CUT_RENAMED,
  /** It has its name for good. */
  FOLDER_FSYNCED,
  /** The record says that the TXID is taken, but for a power cut. */
  RECORD_WRITTEN,
  /** The TXID is taken for good. */
  RECORD_FSYNCED,
  /** It is marked that the next cut will have all pages. */
  IMAGE_MARKED,
  /** The page checksums say that a cut is taken in, and do not have it yet. */
  CHECKSUMS_BEGUN,
  /** They have it, but for a power cut. */
  CHECKSUMS_WRITTEN,
  /** They have it for good, and say so, but for a power cut. */
  CHECKSUMS_BASE_WRITTEN,
  /** They say so for good. */
  CHECKSUMS_FSYNCED,
  /** One of the log files that the cut holds is gone. */
  LOG_DELETED,
  /** A cut that is safe elsewhere has its other name. */
  CUT_KEPT,
  /** It is gone. */
  CUT_DELETED;

  /** Hears of each step, on the thread that took it; what it throws ends the operation there. */
  @FunctionalInterface
  public interface Listener {
    void reached(SpoolStep step);
  }
}
