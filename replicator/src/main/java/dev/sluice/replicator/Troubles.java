package dev.sluice.replicator;

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

  /** Takes note of a failure. */
  void note(Exception failure) {
    String text = Optional.ofNullable(failure.getMessage()).orElse(failure.toString());
    if (failure instanceof RuntimeException && !logged.equals(Optional.of(text))) {
      log.error("replicate {}", database, failure);
    } else if (!logged.equals(Optional.of(text))) {
      log.warn("{}", text);
    }
    logged = Optional.of(text);
    present = logged;
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
    present = Optional.empty();
  }

  /** It goes well: the next failure is another one. */
  void over() {
    logged = Optional.empty();
  }
}
