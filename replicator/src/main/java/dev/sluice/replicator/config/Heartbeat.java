package dev.sluice.replicator.config;

import java.net.URI;
import java.time.Duration;

/**
 * A URL that is asked for as long as every database is replicated. Immutable.
 *
 * @param url http or https; as it often has a token in it, {@link #toString} does not show it
 * @param interval how often it is asked for, a minute at least; within it each database must have
 *     been replicated
 */
public record Heartbeat(URI url, Duration interval) {
  static final Duration INTERVAL_MIN = Duration.ofMinutes(1);
  static final Duration INTERVAL = Duration.ofMinutes(5);

  /** Returns the interval only. */
  @Override
  public String toString() {
    return "Heartbeat[interval=" + interval + "]";
  }
}
