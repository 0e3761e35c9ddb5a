package dev.sluice.cache;

import dev.sluice.storage.Deadline;

/** A daemon thread that begins once at most, and ends soon after it was told to. Thread-safe. */
final class BackgroundThread {
  private final Thread thread;

  /** Both under the lock of this object. */
  private boolean hasBegun;

  private boolean mayBegin = true;

  /**
   * @param work returns soon after an interrupt
   */
  BackgroundThread(String name, Runnable work) {
    thread = new Thread(work, name);
    thread.setDaemon(true);
  }

  /** Begins, unless it did before or was told to end. */
  synchronized void begin() {
    if (mayBegin) {
      thread.start();
      hasBegun = true;
      mayBegin = false;
    }
  }

  synchronized boolean hasBegun() {
    return hasBegun;
  }

  /** Tells it to end. Idempotent. */
  synchronized void end() {
    mayBegin = false;
    thread.interrupt();
  }

  /** Returns whether it has ended, or will never begin, at the deadline at the latest. */
  boolean isEnded(Deadline deadline) throws InterruptedException {
    thread.join(Math.max(1, deadline.remaining().toMillis()));
    return !thread.isAlive();
  }
}
