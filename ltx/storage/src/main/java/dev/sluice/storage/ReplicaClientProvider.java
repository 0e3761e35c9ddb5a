package dev.sluice.storage;

import java.util.Set;

/**
 * Makes clients for some URL schemes; found by {@link java.util.ServiceLoader}, one provider an
 * artifact.
 */
public interface ReplicaClientProvider {

  /** Returns the schemes this provider serves, in lower case. */
  Set<String> schemes();

  /**
   * Returns a client for {@code url}. Makes no request.
   *
   * @throws IllegalArgumentException if the URL cannot be used: the message names the part and what
   *     is allowed
   */
  ReplicaClient open(ReplicaUrl url, Environment environment);
}
