package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.capture.CaptureException;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.replicator.upload.WriteConditions;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a database's replication has failed with, and when it is tried again: ever later while it
 * fails soon after. The same failure is logged once. Confined to the database's step.
 */
final class Troubles {
  private static final Logger log = LoggerFactory.getLogger(Troubles.class);
  private static final long PAUSE_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

  /** What has gone well for so long does not fail at each try. */
  private static final long WELL_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Path database;
  private Optional<Throwable> failure = Optional.empty();
  private Optional<String> present = Optional.empty();
  private Optional<String> logged = Optional.empty();
  private long begunNanos;
  private long retryNanos;
  private long pauseNanos = PAUSE_NANOS_MIN;

  Troubles(Path database, long nowNanos) {
    this.database = database;
    this.begunNanos = nowNanos;
    this.retryNanos = nowNanos;
  }

  /** Returns what it has failed with; empty since it was begun again. */
  Optional<String> present() {
    return present;
  }

  /** As {@link #present}, before it was put into words. */
  Optional<Throwable> failure() {
    return failure;
  }

  /** Takes note of a failure. */
  void note(Throwable failure) {
    note(failure, failure);
  }

  /** Takes note of a failure, and of what to say of it. */
  void note(Throwable why, Throwable said) {
    failure = Optional.of(why);
    String text = text(said);
    boolean isNew = !logged.equals(Optional.of(text));
    logged = Optional.of(text);
    present = logged;
    if (isNew && said instanceof IOException) {
      log.warn("{}", text);
    } else if (isNew) {
      log.error("replicate {}", database, said);
    }
  }

  /** An error's message alone, as "Java heap space", says little. */
  private String text(Throwable failure) {
    return failure instanceof Error
        ? database + ": " + failure
        : Optional.ofNullable(failure.getMessage()).orElse(failure.toString());
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

  /** It goes well: the next failure is another one. */
  void over() {
    logged = Optional.empty();
  }
}
