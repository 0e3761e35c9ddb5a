package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The limit that a database's replication was given to end in, and what it still ships. {@link
 * #begin} and {@link #isAllShipped} are thread-safe, the rest is confined to the database's step.
 */
final class Ending {
  private final Serial serial;
  private final CompletableFuture<Txid> lastSync = new CompletableFuture<>();
  private volatile Optional<Long> atNanos = Optional.empty();
  private volatile boolean isAllShipped;
  private boolean isAllCaptured;

  Ending(Serial serial) {
    this.serial = serial;
    var unused = lastSync.thenRun(serial::wake);
  }

  /** Begins it, or gives it another limit. */
  void begin(Duration limit) {
    atNanos = Optional.of(System.nanoTime() + limit.toNanos());
    serial.wake();
  }

  boolean isBegun() {
    return atNanos.isPresent();
  }

  /** Returns whether there is no time any more; has the database stepped when there is none. */
  boolean isOver(long now) {
    Optional<Long> at = atNanos;
    at.filter(end -> now - end < 0).ifPresent(serial::wakeAt);
    return at.filter(end -> now - end >= 0).isPresent();
  }

  /** Returns what is done when all is shipped that was committed when it was told to end. */
  CompletableFuture<Txid> lastSync() {
    return lastSync;
  }

  boolean isDone(OpenDatabase open) {
    return lastSync.isDone() || open.shipping().isDone();
  }

  /** Takes note of whether all was captured that was committed when it was told to end. */
  void captured(boolean isAll) {
    isAllCaptured = isAll;
  }

  /**
   * Takes note of how far it has come.
   *
   * @return why not all is shipped, if it is known; that goes on waiting in the spool
   */
  Optional<String> end(Optional<OpenDatabase> open, Optional<CaptureLoop> loop) {
    if (loop.filter(CaptureLoop::isAttaching).isPresent()) { // and the log is the job's
      return Optional.of("no time was left to look for what is not captured");
    }
    isAllShipped = isAllCaptured && open.filter(this::isDone).isPresent();
    if (isAllShipped) {
      return Optional.empty();
    }
    Optional<String> unshipped = open.flatMap(OpenDatabase::unshipped);
    return open.isPresent() && !isAllCaptured
        ? unshipped.or(() -> Optional.of("not all that is committed could be captured"))
        : unshipped;
  }

  /** Returns whether all of it was shipped; to be called when it has ended. */
  boolean isAllShipped() {
    return isAllShipped;
  }
}
