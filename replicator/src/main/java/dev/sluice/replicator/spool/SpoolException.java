package dev.sluice.replicator.spool;

import java.io.IOException;
import java.nio.file.Path;

/** Says that a spool cannot be gone on with; each kind is another thing for the caller to do. */
public abstract sealed class SpoolException extends IOException {
  private static final long serialVersionUID = 1L;

  private SpoolException(String message) {
    super(message);
  }

  /**
   * The directory is no spool of ours: it is empty or missing, or it has files but no record.
   * Beginning anew makes it one.
   */
  public static final class NoRecord extends SpoolException {
    private static final long serialVersionUID = 1L;

    NoRecord(Path directory) {
      super("open spool " + directory + ": it has no position record");
    }
  }

  /** The record is damaged: nobody knows which TXID was the last. A person looks. */
  public static final class Damaged extends SpoolException {
    private static final long serialVersionUID = 1L;

    Damaged(Path file, long offset, String rule) {
      super(file + " offset=" + offset + ": " + rule);
    }
  }

  /** A failure left the disk in a state that only opening the spool anew can tell. */
  public static final class Unknown extends SpoolException {
    private static final long serialVersionUID = 1L;

    Unknown(Path directory) {
      super("spool " + directory + ": a write failed that it cannot take back; open it anew");
    }
  }

  /** Another process, or another part of this one, has the spool open. */
  public static final class InUse extends SpoolException {
    private static final long serialVersionUID = 1L;

    InUse(Path directory) {
      super(
          "open spool "
              + directory
              + ": another process replicates this database; only one may do that at a time");
    }
  }

  /** The spool's disk takes nothing: it is full, or may not be written to. */
  public static final class Unwritable extends SpoolException {
    private static final long serialVersionUID = 1L;

    Unwritable(String message, IOException cause) {
      super(message);
      initCause(cause);
    }
  }
}
