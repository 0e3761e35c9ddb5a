package dev.sluice.cache;

import dev.sluice.cache.store.LocalStore;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;

/**
 * When a page store gets a checkpoint. Thread-safe: what changes is volatile; of two who write one
 * at once one leaves it to the other.
 */
final class Checkpoints {
  /** What was written in the last minutes is lost by a power cut. */
  private static final Duration INTERVAL = Duration.ofMinutes(5);

  private final ReentrantLock writing = new ReentrantLock();
  private volatile long lastNanos = System.nanoTime();
  private volatile long lastWrites;

  /** Returns whether something has come since the last one, and that is a while ago. */
  boolean isDue(LocalStore store, long nowNanos) {
    return nowNanos - lastNanos >= INTERVAL.toNanos() && store.pages().writes() != lastWrites;
  }

  /**
   * Has what is in the store survive a power cut; waits for the disk.
   *
   * @param view one that was published
   */
  void write(LocalStore store, View view, long nowNanos) throws IOException {
    if (!writing.tryLock()) {
      return;
    }
    try {
      lastNanos = nowNanos;
      lastWrites = store.pages().writes();
      store.checkpoint(view.txid().value(), view.commit());
    } finally {
      writing.unlock();
    }
  }
}
