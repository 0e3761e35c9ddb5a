package dev.sluice.replicator;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** What became of a future, without what the JDK wraps around a failure. */
final class Futures {
  private Futures() {}

  /**
   * Returns the result of a future that is done.
   *
   * @throws IOException its failure, unchanged as an error or another exception would be
   */
  static <T> T result(CompletableFuture<T> done) throws IOException {
    try {
      return done.join();
    } catch (CancellationException e) {
      throw new IOException("it was given up", e);
    } catch (CompletionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof IOException known) {
        throw known;
      }
      if (cause instanceof Error error) {
        throw error;
      }
      throw cause instanceof RuntimeException bug ? bug : new IllegalStateException(cause);
    }
  }
}
