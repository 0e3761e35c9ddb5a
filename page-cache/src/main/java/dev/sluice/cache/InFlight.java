package dev.sluice.cache;

/**
 * Counts work that has learned file numbers which no view holds yet, so that none of them is
 * forgotten meanwhile. Thread-safe.
 */
final class InFlight {
  private final Object lock = new Object();
  private int count;

  /** Says that such work begins. */
  void enter() {
    synchronized (lock) {
      count++;
    }
  }

  void leave() {
    synchronized (lock) {
      count--;
    }
  }

  /** Runs something short while no such work is under way and none begins; nothing if there is. */
  void ifNone(Runnable work) {
    synchronized (lock) {
      if (count == 0) {
        work.run();
      }
    }
  }
}
