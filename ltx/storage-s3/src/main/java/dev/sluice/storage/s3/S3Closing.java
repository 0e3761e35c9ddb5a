package dev.sluice.storage.s3;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What was made and is to be closed, the last first. A failure keeps nothing from being closed.
 * Thread-safe: what changes is under {@code lock}, and nothing is closed under it.
 */
final class S3Closing implements AutoCloseable {
  private final Object lock = new Object();
  private final Deque<AutoCloseable> made = new ArrayDeque<>();

  void add(AutoCloseable resource) {
    synchronized (lock) {
      made.push(resource);
    }
  }

  /** Closes everything; what fails is added to {@code failure}. */
  void closeAfter(Throwable failure) {
    try {
      close();
    } catch (IllegalStateException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Closes everything. Idempotent.
   *
   * @throws IllegalStateException with the first failure as its cause
   */
  @Override
  public void close() {
    Deque<AutoCloseable> open;
    synchronized (lock) {
      open = new ArrayDeque<>(made);
      made.clear();
    }
    IllegalStateException first = null;
    for (AutoCloseable resource : open) {
      try {
        resource.close();
      } catch (Exception | LinkageError e) {
        if (first == null) {
          first = new IllegalStateException("close the S3 client: " + e, e);
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
