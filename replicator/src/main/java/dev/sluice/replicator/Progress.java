package dev.sluice.replicator;

import java.time.Duration;
import java.util.Optional;

/**
 * The last status of a database, and what has become of it since: a commit that waits goes on
 * waiting though nothing is done for its database. Changed by its database's step; thread-safe.
 */
final class Progress {
  private final long begunNanos;
  private volatile Published last;

  /**
   * A status, when it was so, when the replica had everything, if it ever had, and since when there
   * is a trouble, if there is one.
   */
  private record Published(
      DatabaseStatus status,
      long nanos,
      Optional<Long> syncedNanos,
      Optional<Long> troubledNanos) {}

  Progress(DatabaseStatus first, long nowNanos) {
    this.begunNanos = nowNanos;
    this.last = new Published(first, nowNanos, Optional.empty(), Optional.empty());
  }

  /** Takes what is so now. */
  void publish(DatabaseStatus status, long nowNanos) {
    Published before = last;
    Optional<Long> troubled = status.trouble().map(why -> before.troubledNanos().orElse(nowNanos));
    last = new Published(status, nowNanos, syncedNanos(before, status, nowNanos), troubled);
  }

  private static Optional<Long> syncedNanos(
      Published before, DatabaseStatus status, long nowNanos) {
    if (status.isSynced()) {
      return Optional.of(nowNanos);
    }
    if (before.status().isSynced() && !status.lag().isZero()) {
      return Optional.of(nowNanos - status.lag().toNanos()); // it was, until that commit came
    }
    return before.status().isSynced() ? Optional.of(nowNanos) : before.syncedNanos();
  }

  /** Returns the last status, with the lag of now. */
  DatabaseStatus status(long nowNanos) {
    Published published = last;
    DatabaseStatus status = published.status();
    return status.lag().isZero()
        ? status
        : status.withLag(status.lag().plusNanos(nowNanos - published.nanos()));
  }

  /** Returns for how long the replica has not had everything; empty if it never had. */
  Optional<Duration> sinceSynced(long nowNanos) {
    Published published = last;
    return published.status().isSynced()
        ? Optional.of(Duration.ZERO)
        : published.syncedNanos().map(nanos -> Duration.ofNanos(nowNanos - nanos));
  }

  /** As {@link #sinceSynced}, counted from the begin if the replica never had everything. */
  Duration unsyncedFor(long nowNanos) {
    return sinceSynced(nowNanos).orElseGet(() -> Duration.ofNanos(nowNanos - begunNanos));
  }

  /** Returns for how long there has been a trouble; zero without. */
  Duration troubledFor(long nowNanos) {
    return last.troubledNanos()
        .map(nanos -> Duration.ofNanos(nowNanos - nanos))
        .orElse(Duration.ZERO);
  }
}
