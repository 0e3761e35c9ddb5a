package dev.sluice.replicator;

import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Optional;

/**
 * Why something of a database's replication does not go on. Immutable.
 *
 * @param failure what it failed with
 * @param text what to say of it
 */
record Trouble(Throwable failure, String text) {

  /**
   * What two troubles have in common that are one to a person: the numbers in their texts, and what
   * a network says of its failure, change with each attempt.
   *
   * @param text tells apart what is of a type that says nothing; empty for other types
   */
  record Kind(Class<?> type, String text) {}

  static Trouble of(Throwable failure) {
    return new Trouble(
        failure, Optional.ofNullable(failure.getMessage()).orElse(failure.toString()));
  }

  Kind kind() {
    Class<?> type = failure.getClass();
    if (failure instanceof ReplicaException.OutcomeUnknown) {
      return new Kind(ReplicaException.Unavailable.class, ""); // it is away in either case
    }
    boolean isAnything = type == IOException.class || type == FileSystemException.class;
    return new Kind(type, isAnything ? text.replaceAll("[0-9]+", "0") : "");
  }
}
