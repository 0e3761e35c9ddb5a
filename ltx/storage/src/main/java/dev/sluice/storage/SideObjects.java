package dev.sluice.storage;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * Small objects that lie beside a replica's LTX files, written only on condition: a lease, a probe.
 * Not for data: an object is a few KiB and is read and written whole.
 *
 * <p>Futures, cancellation and threads are as with {@link ReplicaClient}, whose part this is: one
 * attempt for each call, a {@link ReplicaException} as the only failure.
 */
public interface SideObjects {

  /** No object is larger. */
  int BYTES_MAX = 1 << 16;

  /** What a name is: lower-case letters, digits, dots and hyphens, in folders perhaps. */
  Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*)*");

  /** Reads an object; empty if there is none. */
  CompletableFuture<Optional<SideObject>> read(String name);

  /**
   * Writes an object that must not exist yet, and returns its version.
   *
   * <p>{@link ReplicaException.Conflict} if it exists; {@link ReplicaException.OutcomeUnknown} if
   * no answer came.
   */
  CompletableFuture<String> create(String name, byte[] content);

  /**
   * Writes an object in the place of the version that was read or written, and returns the new
   * version.
   *
   * <p>{@link ReplicaException.Conflict} if it has another version by now, or is gone; {@link
   * ReplicaException.OutcomeUnknown} if no answer came.
   */
  CompletableFuture<String> replace(String name, byte[] content, String version);

  /** Deletes an object, of whatever version; one that is not there counts as deleted. */
  CompletableFuture<Void> delete(String name);

  /**
   * Checks a name.
   *
   * @throws IllegalArgumentException if it is none
   */
  static void requireName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("not the name of an object: \"" + name + "\"");
    }
  }
}
