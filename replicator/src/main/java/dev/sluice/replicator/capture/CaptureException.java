package dev.sluice.replicator.capture;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Says why a database is not captured now. Each kind is another thing to do; after each {@link
 * DatabaseCapture#capture} may be called again, and what was missed meanwhile is repaired then.
 */
public abstract sealed class CaptureException extends IOException {
  private static final long serialVersionUID = 1L;

  private CaptureException(String message) {
    super(message);
  }

  private CaptureException(String message, Throwable cause) {
    super(message, cause);
  }

  /** There is no database yet, or no more: wait until the application makes one. */
  public static final class Missing extends CaptureException {
    private static final long serialVersionUID = 1L;

    Missing(Path database, String why) {
      super(database + ": " + why + "; waiting until the application makes the database");
    }
  }

  /** The file is something else, or encrypted. A person looks. */
  public static final class NotADatabase extends CaptureException {
    private static final long serialVersionUID = 1L;

    NotADatabase(Path database, String why) {
      super(
          database
              + ": not a SQLite database, or an encrypted one ("
              + why
              + "); check the path, encrypted databases cannot be replicated");
    }
  }

  /** The file system or SQLite does not let us in for good. A person looks. */
  public static final class Denied extends CaptureException {
    private static final long serialVersionUID = 1L;

    Denied(Path database, String why) {
      super(database + ": " + why);
    }

    Denied(Path database, String why, Throwable cause) {
      super(
          database
              + ": "
              + why
              + "; the database, its -wal and -shm and their folder must be readable and writable",
          cause);
    }
  }

  /** Somebody has the database locked: try again soon. */
  public static final class Busy extends CaptureException {
    private static final long serialVersionUID = 1L;

    Busy(Path database, String doing, Throwable cause) {
      super(
          database
              + ": locked by another connection while we "
              + doing
              + "; trying again (locking_mode=EXCLUSIVE cannot be replicated)",
          cause);
    }
  }

  /** The database or its WAL cannot be read: it is damaged, or its disk fails. */
  public static final class Unreadable extends CaptureException {
    private static final long serialVersionUID = 1L;

    Unreadable(Path database, String why, Throwable cause) {
      super(database + ": cannot be captured: " + why, cause);
    }
  }

  /** As much waits for its upload as may: it goes on when there is room. */
  public static final class SpoolFull extends CaptureException {
    private static final long serialVersionUID = 1L;

    SpoolFull(Path database, Path spool, long bytes, long bytesMax) {
      super(
          database
              + ": nothing is captured while "
              + bytes
              + " bytes wait for their upload in "
              + spool
              + ", "
              + bytesMax
              + " may; what is committed meanwhile is captured when there is room");
    }
  }

  /** The disk of the spool is full, or may not be written to. */
  public static final class SpoolUnwritable extends CaptureException {
    private static final long serialVersionUID = 1L;

    SpoolUnwritable(Path database, IOException cause) {
      super(
          database
              + ": nothing is captured while the spool cannot be written: "
              + cause.getMessage()
              + "; free some space",
          cause);
    }
  }
}
