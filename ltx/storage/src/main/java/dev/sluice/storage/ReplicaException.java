package dev.sluice.storage;

import java.io.IOException;

/**
 * A storage did not do what it was asked. Each subtype is a different thing for the caller to do;
 * nobody matches on messages. A message says what was being done, where, and the storage's own
 * code; never a credential.
 */
public abstract sealed class ReplicaException extends IOException {
  private static final long serialVersionUID = 1L;

  private ReplicaException(String message, Throwable cause) {
    super(message, cause);
  }

  private ReplicaException(String message) {
    super(message);
  }

  /** The file is not there: look for its pages in a fresh listing. */
  public static final class NotFound extends ReplicaException {
    private static final long serialVersionUID = 1L;

    public NotFound(String message) {
      super(message);
    }

    public NotFound(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The file is there but is another one than was meant (If-Match), or exists already
   * (create-if-absent): never retried.
   */
  public static final class Conflict extends ReplicaException {
    private static final long serialVersionUID = 1L;

    public Conflict(String message) {
      super(message);
    }

    public Conflict(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The storage refuses: credentials, permissions, no such bucket, a bad request. A person must
   * look; never retried.
   */
  public static final class Denied extends ReplicaException {
    private static final long serialVersionUID = 1L;

    public Denied(String message) {
      super(message);
    }

    public Denied(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The storage could not be reached, failed, or did not answer in time, and nothing was changed:
   * try again.
   */
  public static final class Unavailable extends ReplicaException {
    private static final long serialVersionUID = 1L;

    public Unavailable(String message) {
      super(message);
    }

    public Unavailable(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * A write or a delete failed without an answer: it may or may not have happened. Compare before
   * trying again.
   */
  public static final class OutcomeUnknown extends ReplicaException {
    private static final long serialVersionUID = 1L;

    public OutcomeUnknown(String message) {
      super(message);
    }

    public OutcomeUnknown(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
