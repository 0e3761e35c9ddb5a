package dev.sluice.replicator.control;

import java.util.Map;
import java.util.Optional;

/**
 * A request as its handler sees it. Immutable.
 *
 * @param method in capitals
 * @param path decoded, without the query
 * @param query the first value of each parameter, decoded
 * @param body as UTF-8; empty if there is none
 */
public record HttpCall(String method, String path, Map<String, String> query, String body) {

  public HttpCall {
    query = Map.copyOf(query);
  }

  /** Returns a parameter of the query; empty if it is not there, or there is nothing in it. */
  public Optional<String> parameter(String name) {
    return Optional.ofNullable(query.get(name)).filter(value -> !value.isEmpty());
  }
}
