package dev.sluice.replicator.control;

import java.util.concurrent.CompletableFuture;

/** Answers requests. Thread-safe: requests of several connections come at once. */
@FunctionalInterface
public interface HttpHandler {

  /**
   * Returns the answer, or a future of it. Called on one of a few threads, which other requests
   * wait for: what takes longer than a look is for the future.
   */
  CompletableFuture<HttpReply> answer(HttpCall call);
}
