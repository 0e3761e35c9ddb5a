package dev.sluice.replicator.upload;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;

/** What must hold before anything is written to a replica, or deleted from it. Thread-safe. */
@FunctionalInterface
public interface WriteGuard {

  /**
   * Makes sure of it; it may ask the storage.
   *
   * @throws WriteConditions.IgnoredException if another writer would not be noticed
   * @throws LeaseHolder.HeldByOtherException if another holds the lease
   * @throws dev.sluice.storage.ReplicaException if the storage does not answer: to be asked again
   */
  void require(ReplicaWriter writer) throws IOException;

  /** Returns one that asks once whether the storage keeps conditions. */
  static WriteGuard conditions() {
    AtomicBoolean isKnown = new AtomicBoolean();
    return writer -> {
      if (!isKnown.get()) {
        WriteConditions.probe(writer.client(), writer.limit());
        isKnown.set(true);
      }
    };
  }

  /**
   * Returns one that writes only while it holds a lease. The storage must keep conditions as well:
   * without them two could hold the lease.
   */
  static WriteGuard lease(LeaseHolder holder) {
    WriteGuard conditions = conditions();
    return writer -> {
      conditions.require(writer);
      long unused = holder.require();
    };
  }

  /** Returns one that asks nothing: the user says that nobody else writes. */
  static WriteGuard none() {
    return writer -> {};
  }
}
