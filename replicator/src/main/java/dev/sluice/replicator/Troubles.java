package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.TroubleLog.Part;
import dev.sluice.replicator.capture.CaptureException;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.replicator.upload.WriteConditions;
import dev.sluice.storage.ReplicaException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What a database's replication has failed with, and when it is tried again: ever later while it
 * fails soon after. Confined to the database's step.
 */
final class Troubles {
  private static final long PAUSE_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

  /** What has gone well for so long does not fail at each try. */
  private static final long WELL_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Path database;
  private final TroubleLog log;
  private Optional<Throwable> failure = Optional.empty();
  private Optional<Trouble> present = Optional.empty();
  private long begunNanos;
  private long retryNanos;
  private long pauseNanos = PAUSE_NANOS_MIN;

  Troubles(Path database, TroubleLog log, long nowNanos) {
    this.database = database;
    this.log = log;
    this.begunNanos = nowNanos;
    this.retryNanos = nowNanos;
  }

  /** Returns what it has failed with; empty since it was begun again. */
  Optional<Trouble> present() {
    return present;
  }

  /** As {@link #present}, before it was put into other words. */
  Optional<Throwable> failure() {
    return failure;
  }

  /** Takes note of a failure. */
  void note(Throwable failure, long nowNanos) {
    note(failure, failure, nowNanos);
  }

  /** Takes note of a failure, and of what to say of it. */
  void note(Throwable why, Throwable said, long nowNanos) {
    Trouble trouble =
        said instanceof Error ? new Trouble(said, database + ": " + said) : Trouble.of(said);
    failure = Optional.of(why);
    present = Optional.of(trouble);
    log.has(Part.CAPTURE, trouble, nowNanos);
  }

  /** Takes note of how it goes with what is open; not while a job has it. */
  void seen(CaptureLoop loop, Shipping shipping, long nowNanos) {
    loop.trouble().ifPresent(is -> log.has(Part.CAPTURE, is, nowNanos));
    boolean isWell = shipping.isDone() || nowNanos - begunNanos >= WELL_NANOS;
    if (loop.phase() == Phase.CAPTURING && loop.trouble().isEmpty() && isWell) {
      log.isOver(Part.CAPTURE);
    }
    shipping.trouble().ifPresent(is -> log.has(Part.UPLOADS, is, nowNanos));
    if (shipping.isChecked() && shipping.trouble().isEmpty()) {
      log.isOver(Part.UPLOADS);
    }
  }

  /**
   * Returns whether it will go on failing until a person looks.
   *
   * @param uploaded the newest TXID that the replica is known to have: one that refuses us before
   *     there is any was probably named wrongly
   */
  static boolean needsAPerson(Throwable failure, Txid uploaded) {
    boolean isRefused = failure instanceof ReplicaException.Denied && uploaded.equals(Txid.NONE);
    return isRefused
        || failure instanceof SecondWriterException
        || failure instanceof WriteConditions.IgnoredException
        || failure instanceof CaptureException;
  }

  /** Has it tried again later; returns when. */
  long retryAfter(long nowNanos) {
    if (nowNanos - begunNanos >= WELL_NANOS) {
      pauseNanos = PAUSE_NANOS_MIN;
    }
    retryNanos = nowNanos + pauseNanos;
    pauseNanos = Math.min(2 * pauseNanos, PAUSE_NANOS_MAX);
    return retryNanos;
  }

  /** Returns when it is to be tried again; not after now if it is due. */
  long retryNanos() {
    return retryNanos;
  }

  /** It was begun again. */
  void begun(long nowNanos) {
    begunNanos = nowNanos;
    failure = Optional.empty();
    present = Optional.empty();
  }
}
