package dev.sluice.cache;

import dev.sluice.cache.store.LocalStore;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes beside a page store what the next process needs: what of it has reached the disk, and by
 * what the replica is told from another. Thread-safe: what changes is volatile; of two who write a
 * checkpoint at once one leaves it to the other.
 */
final class StoreUpkeep {
  /** What was written in the last minutes is lost by a power cut. */
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofMinutes(5);

  private final ReentrantLock checkpointing = new ReentrantLock();
  private volatile long checkpointNanos = System.nanoTime();
  private volatile long checkpointWrites;
  private volatile Set<Lineage.Known> remembered = Set.of();

  /** Returns whether much has come since the last checkpoint, and that is a while ago. */
  boolean isCheckpointDue(LocalStore store, long nowNanos) {
    return nowNanos - checkpointNanos >= CHECKPOINT_INTERVAL.toNanos()
        && store.pages().writes() != checkpointWrites;
  }

  /**
   * Has what is in the store survive a power cut; waits for the disk.
   *
   * @param view one that was published
   */
  void checkpoint(LocalStore store, View view, long nowNanos) throws IOException {
    if (!checkpointing.tryLock()) {
      return;
    }
    try {
      checkpointNanos = nowNanos;
      checkpointWrites = store.pages().writes();
      store.checkpoint(view.txid().value(), view.commit());
    } finally {
      checkpointing.unlock();
    }
  }

  /** Keeps by what the replica is told from another; waits for the disk if that is new. */
  void remember(LocalStore store, List<Lineage.Known> files) throws IOException {
    if (!remembered.equals(Set.copyOf(files))) {
      store.remember(LineageFile.bytes(files));
      remembered = Set.copyOf(files);
    }
  }
}
