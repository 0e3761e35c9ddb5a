package dev.sluice.ltx;

import java.io.IOException;

/**
 * Says that files cannot be compacted into one although each of them may be sound. The caller does
 * without this compaction; what to do about it, the reason tells.
 */
public final class CompactionException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What stands in the way. */
  public enum Reason {
    /** A file does not follow on the one before: others belong between them, or another order. */
    GAP,
    /** The page size changes: nothing reaches across, a snapshot begins anew. */
    PAGE_SIZE,
    /** A page of the database is in none of the files that must hold it: the history is broken. */
    MISSING_PAGE
  }

  private final Reason reason;

  CompactionException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
