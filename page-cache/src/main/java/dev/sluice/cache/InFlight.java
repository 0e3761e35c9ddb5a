package dev.sluice.cache;

import java.util.Optional;

/**
 * Counts work that has learned file numbers which no view holds yet, so that none of them is
 * forgotten meanwhile. Thread-safe.
 */
final class InFlight {
  private final Object lock = new Object();
  private int count;
  private Optional<Runnable> waiting = Optional.empty();

  /** Says that such work begins. */
  void enter() {
    synchronized (lock) {
      count++;
    }
  }

  void leave() {
    synchronized (lock) {
      count--;
      runWaiting();
    }
  }

  /**
   * Runs something short while no such work is under way and none begins: now, or when the last of
   * what is under way ends, on its thread. What waited before is not run then.
   *
   * @param work must not wait for a disk or a network, because every opening waits for it
   */
  void whenNone(Runnable work) {
    synchronized (lock) {
      waiting = Optional.of(work);
      runWaiting();
    }
  }

  /** Called under the lock. */
  private void runWaiting() {
    if (count == 0 && waiting.isPresent()) {
      Runnable work = waiting.get();
      waiting = Optional.empty();
      work.run();
    }
  }
}
