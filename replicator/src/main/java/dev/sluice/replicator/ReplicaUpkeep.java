package dev.sluice.replicator;

import dev.sluice.replicator.TroubleLog.Part;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has what is due done for a database's replica beside the uploads: its levels, and the lease if
 * there is to be one. Confined to one thread at a time, that of its database; {@link #snapshot} is
 * thread-safe.
 */
final class ReplicaUpkeep {
  private static final Logger log = LoggerFactory.getLogger(ReplicaUpkeep.class);

  /** The wall clock may jump, and is looked at as often while something is due by it. */
  private static final Duration CLOCK_LOOK = Duration.ofMinutes(1);

  /** After a renewal that failed. */
  private static final Duration RENEWAL_PAUSE = Duration.ofSeconds(1);

  private final RemoteReplica replica;
  private final Workers workers;
  private final Jobs jobs;
  private final TroubleLog troubles;
  private final Asked<Void> asked = new Asked<>();
  private final List<CompletableFuture<Void>> snapshots = new ArrayList<>();
  private Optional<CompletableFuture<Boolean>> keeping = Optional.empty();
  private Optional<CompletableFuture<Boolean>> renewing = Optional.empty();
  private Optional<Trouble> trouble = Optional.empty();
  private boolean isEnded;
  private long renewalNanos;

  ReplicaUpkeep(RemoteReplica replica, Workers workers, Jobs jobs, TroubleLog troubles) {
    this.troubles = troubles;
    this.replica = replica;
    this.workers = workers;
    this.jobs = jobs;
    this.renewalNanos = System.nanoTime();
  }

  /** Returns a future that is done when there is a snapshot of what is in the replica now. */
  CompletableFuture<Void> snapshot() {
    return asked.add();
  }

  /** Returns why the levels are not kept; empty if they are. */
  Optional<Trouble> trouble() {
    return trouble;
  }

  /**
   * Begins what is due.
   *
   * @return how long there is nothing to do, if it is known
   */
  Optional<Duration> step() {
    Optional<Duration> levels = keepLevels();
    Optional<Duration> lease = keepLease();
    if (levels.isEmpty() || lease.isEmpty()) {
      return levels.or(() -> lease);
    }
    return levels.get().compareTo(lease.get()) < 0 ? levels : lease;
  }

  /** The levels have threads of their own: they take long, and uploads are not to wait. */
  private Optional<Duration> keepLevels() {
    takeKept();
    if (keeping.isPresent()) {
      return Optional.empty();
    }
    if (replica.isKnown() && snapshots.addAll(asked.take())) {
      replica.snapshotNow();
    }
    Optional<Duration> left = replica.untilDue();
    if (left.filter(Duration::isZero).isPresent()) {
      keeping = Optional.of(beginKeeping());
      return Optional.empty();
    }
    return left.map(until -> until.compareTo(CLOCK_LOOK) < 0 ? until : CLOCK_LOOK);
  }

  /** One in which a snapshot has become due while it waited leaves all to the next: false. */
  private CompletableFuture<Boolean> beginKeeping() {
    if (replica.isSnapshotDue()) {
      return jobs.begin(workers.snapshots(replica.storage()), replica::keepLevels);
    }
    return jobs.start(
        workers.levels(replica.storage()),
        () -> {
          if (replica.isSnapshotDue()) {
            return false;
          }
          replica.keepLevels();
          return true;
        });
  }

  private void takeKept() {
    if (keeping.isEmpty() || !keeping.get().isDone()) {
      return;
    }
    CompletableFuture<Boolean> done = keeping.get();
    keeping = Optional.empty();
    try {
      if (!Futures.result(done)) {
        return;
      }
      trouble = Optional.empty();
      troubles.isOver(Part.LEVELS);
      snapshots.forEach(waiting -> waiting.complete(null));
    } catch (IOException | RuntimeException | Error e) {
      note(e);
      snapshots.forEach(waiting -> waiting.completeExceptionally(e));
    }
    snapshots.clear();
  }

  /** What an end cuts short is no trouble: it is done when the levels are kept again. */
  private void note(Throwable failure) {
    log.debug("keep the levels of {}", replica.location(), failure);
    trouble = Optional.of(Trouble.of(failure)).filter(why -> !isEnded);
    trouble.ifPresent(is -> troubles.has(Part.LEVELS, is, System.nanoTime()));
  }

  /** One that cannot be kept is told by the next upload. */
  private Optional<Duration> keepLease() {
    if (renewing.isPresent() && !renewing.get().isDone()) {
      return Optional.empty();
    }
    Optional<Duration> left = replica.untilRenewal();
    if (renewing.isPresent() && renewing.get().isCompletedExceptionally()) {
      renewing = Optional.empty();
      renewalNanos = System.nanoTime() + RENEWAL_PAUSE.toNanos();
    }
    Duration pause = Duration.ofNanos(renewalNanos - System.nanoTime());
    if (left.isPresent() && left.get().compareTo(pause) < 0) {
      return Optional.of(pause);
    }
    if (left.filter(Duration::isZero).isPresent()) {
      renewing = Optional.of(jobs.begin(workers.storage(replica.storage()), replica::renewLease));
      return Optional.empty();
    }
    return left;
  }

  /** Fails those who ask while nothing is open, which may stay so; what is made is told. */
  void rest(IOException why) {
    takeKept();
    asked.fail(why);
  }

  /** Keeps nothing any more: what failed is no trouble of a database all of which is stored. */
  void end() {
    isEnded = true;
    trouble = Optional.empty();
  }

  /** Fails those who wait, and who asks from now on. */
  void abandon(IOException why) {
    takeKept();
    asked.end(why);
    snapshots.forEach(waiting -> waiting.completeExceptionally(why));
    snapshots.clear();
  }
}
