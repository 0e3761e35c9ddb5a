package dev.sluice.cache;

import dev.sluice.cache.store.LocalStore;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes beside a replica's page store what the next process needs: by what the replica is told
 * from another, and the checkpoint, which is what counts after a power cut.
 *
 * <p>Nothing here fails its caller: what cannot be written is told, and tried again when it is due.
 * Thread-safe: what changes is volatile; of two who write a checkpoint at once one leaves it to the
 * other.
 */
final class StoreUpkeep {
  private static final Logger log = LoggerFactory.getLogger(StoreUpkeep.class);

  /** What was written in the last minutes is lost by a power cut. */
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofMinutes(5);

  private final String location;
  private final History history;
  private final Identity identity;
  private final ReentrantLock checkpointing = new ReentrantLock();
  private volatile long checkpointNanos = System.nanoTime();
  private volatile long checkpointWrites;

  StoreUpkeep(String location, History history, Identity identity) {
    this.location = location;
    this.history = history;
    this.identity = identity;
  }

  /** Keeps by what the replica is told from another; waits for the disk if that is new. */
  void remember() {
    try {
      Optional<LocalStore> store = history.stored().store();
      if (store.isPresent()) {
        remember(store.get());
      }
    } catch (IOException e) {
      log.debug("page store of {}: {}", location, e.toString());
    }
  }

  private void remember(LocalStore store) throws IOException {
    store.remember(() -> LineageFile.bytes(identity.remembered()));
  }

  /** Has what is in the store survive a power cut, if much has come since that was last done. */
  void checkpointIfDue() {
    if (history.stored().store().filter(this::isCheckpointDue).isPresent()) {
      checkpoint();
    }
  }

  private boolean isCheckpointDue(LocalStore store) {
    return System.nanoTime() - checkpointNanos >= CHECKPOINT_INTERVAL.toNanos()
        && store.pages().writes() != checkpointWrites;
  }

  /**
   * Has what is in the store survive a power cut; waits for the disk. A checkpoint that is of a
   * later TXID than the last file that is known counts for nothing: so it is of a view that was
   * there before that is written.
   */
  void checkpoint() {
    Optional<LocalStore> store = history.stored().store();
    Optional<View> view = history.latest();
    if (store.isEmpty() || view.isEmpty() || !checkpointing.tryLock()) {
      return;
    }
    try {
      remember(store.get());
      checkpointNanos = System.nanoTime();
      checkpointWrites = store.get().pages().writes();
      store.get().checkpoint(view.get().txid().value(), view.get().commit());
    } catch (IOException e) {
      if (history.stored().store().isPresent()) {
        log.warn("checkpoint of the page store of {}: {}", location, e.toString());
      }
    } finally {
      checkpointing.unlock();
    }
  }
}
