package dev.sluice.replicator;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The end of a database's replication. The replica may have a lease to give back, which a storage
 * that hangs does not keep anybody with. Confined to the database's step.
 */
final class Stop {
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final RemoteReplica replica;
  private final Workers workers;
  private final Jobs jobs;
  private Optional<CompletableFuture<Boolean>> closing = Optional.empty();
  private long begunNanos;

  Stop(RemoteReplica replica, Workers workers, Jobs jobs) {
    this.replica = replica;
    this.workers = workers;
    this.jobs = jobs;
  }

  boolean isBegun() {
    return closing.isPresent();
  }

  /** Begins; returns when to look again though nobody wakes. */
  long begin() {
    begunNanos = System.nanoTime();
    closing = Optional.of(jobs.begin(workers.storage(replica.storage()), replica::close));
    return lateNanos();
  }

  /** Returns from when on it is late. */
  long lateNanos() {
    return begunNanos + CLOSE_NANOS;
  }

  /** Returns whether the replica is let go of. */
  boolean isOver() {
    return closing.filter(CompletableFuture::isDone).isPresent();
  }

  /** Returns whether nobody waits any longer for what hangs. */
  boolean isLate(long now) {
    return isBegun() && now - begunNanos >= CLOSE_NANOS;
  }

  /**
   * Ends the client if no thread was left to do so: a lease is not given back then, and expires.
   */
  void abandon() {
    if (closing.filter(done -> !done.isCompletedExceptionally()).isEmpty()) {
      replica.abandon();
    }
  }
}
