package dev.sluice.vfs;

import java.io.IOException;

/**
 * Opens replicas for the native VFS. Thread-safe. It is not for reading pages: that is {@link
 * ReplicaFile}.
 */
interface Backend extends AutoCloseable {

  /**
   * Returns a new connection to the replica that the request names; the caller closes it.
   *
   * @throws IOException if there is none, after the deadline where waiting may help; the message is
   *     what a user sees
   * @throws IllegalArgumentException if a parameter makes no sense; likewise
   */
  ReplicaFile open(OpenRequest request) throws IOException;

  /**
   * Makes the calls fail that wait for something, now and later; their files stay open, and so does
   * the memory that was lent to C. Idempotent.
   */
  default void stop() {}

  /** Closes what is shared between files, when no file is open any more. */
  @Override
  default void close() {}
}
