package dev.sluice.replicator.control;

import java.time.Duration;

/**
 * What an HTTP server takes at most. Immutable.
 *
 * @param lineBytes of a request's first line
 * @param headerBytes of all its headers
 * @param bodyBytes of its body
 * @param connections at once of each address or socket; one more is closed at once
 * @param requestTime from the begin of a connection, or the answer before, to the last byte of a
 *     request
 */
public record HttpLimits(
    int lineBytes, int headerBytes, int bodyBytes, int connections, Duration requestTime) {

  /** More than a request for a database with the longest path needs. */
  public static final HttpLimits STANDARD =
      new HttpLimits(16 << 10, 16 << 10, 64 << 10, 64, Duration.ofSeconds(10));
}
