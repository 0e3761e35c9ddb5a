package dev.sluice.cache;

import java.io.IOException;

/**
 * A replica answers, but what it holds does not give what was asked for. Each subtype is a
 * different thing for the caller to do.
 */
public abstract sealed class ViewException extends IOException {
  private static final long serialVersionUID = 1L;

  private ViewException(String message) {
    super(message);
  }

  private ViewException(String message, Throwable cause) {
    super(message, cause);
  }

  /** There were no files until the deadline: look at the place that the message names. */
  public static final class NoFiles extends ViewException {
    private static final long serialVersionUID = 1L;

    NoFiles(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * A file in the middle of the history is missing, also from a fresh listing: the replica needs a
   * new snapshot.
   */
  public static final class Gap extends ViewException {
    private static final long serialVersionUID = 1L;

    Gap(String message) {
      super(message);
    }

    Gap(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** The database was deleted at this TXID; an older one may be asked for. */
  public static final class Deleted extends ViewException {
    private static final long serialVersionUID = 1L;

    public Deleted(String message) {
      super(message);
    }
  }

  /** Another database has taken the replica's place: open it anew. */
  public static final class Replaced extends ViewException {
    private static final long serialVersionUID = 1L;

    Replaced(String message) {
      super(message);
    }
  }

  /** A TXID was waited for and did not come within the time: look at the lag. */
  public static final class NotReached extends ViewException {
    private static final long serialVersionUID = 1L;

    NotReached(String message) {
      super(message);
    }
  }

  /** A file that the view needs is gone or was replaced: open a newer view. */
  public static final class HistoryGone extends ViewException {
    private static final long serialVersionUID = 1L;

    HistoryGone(String message) {
      super(message);
    }

    HistoryGone(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * No file holds a page of the database: what a file lacks, or two databases under one prefix. A
   * person must look.
   */
  public static final class PageMissing extends ViewException {
    private static final long serialVersionUID = 1L;

    public PageMissing(String message) {
      super(message);
    }
  }

  /**
   * Files of one history have different page sizes: two databases under one prefix. A person must
   * look.
   */
  public static final class PageSizeChanged extends ViewException {
    private static final long serialVersionUID = 1L;

    public PageSizeChanged(String message) {
      super(message);
    }
  }

  /**
   * The pages of the database are spread over more files than a view can tell apart: the replica
   * needs a compaction or a new snapshot.
   */
  public static final class TooManyFiles extends ViewException {
    private static final long serialVersionUID = 1L;

    TooManyFiles(String message) {
      super(message);
    }
  }
}
