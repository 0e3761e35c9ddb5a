package dev.sluice.replicator.capture;

/**
 * The moments after which a process may be gone with the application's database in another state
 * than before: each is reported as soon as it has happened. Whatever the step, a capture that
 * begins anew misses nothing.
 */
public enum CaptureStep {
  /** The first reader holds the WAL, and nothing is compared yet. */
  READER_BEGUN,
  /** What was missed is in the spool. */
  REPAIRED,
  /** What was committed is in the spool's log; the reader is still the old one. */
  TAKEN,
  /** The new reader is the only one. */
  HANDED_OVER,
  /** A checkpoint has copied what no reader needs. */
  CHECKPOINTED,
  /** Writers are kept out. */
  BARRIER_BEGUN,
  /** The database has all frames, and writers are still kept out. */
  BARRIER_CHECKPOINTED,
  /** Writers are let in. */
  BARRIER_ENDED,
  /** All descriptors of an idle database are closed, to be opened again. */
  TRIMMED,
  /** All descriptors are closed, and nothing says yet that it was meant. */
  LET_GO,
  /** The clean stop is recorded. */
  STOP_RECORDED;

  /** Hears of each step, on the thread that took it; what it throws ends the operation there. */
  @FunctionalInterface
  public interface Listener {
    void reached(CaptureStep step);
  }
}
