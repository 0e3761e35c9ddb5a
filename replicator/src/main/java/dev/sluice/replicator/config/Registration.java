package dev.sluice.replicator.config;

import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;

/** What holds for a database that somebody names while the daemon runs. Immutable. */
@FunctionalInterface
public interface Registration {
  /** Nothing is said of it but its two places. */
  Registration PLAIN = DatabaseEntry::of;

  /**
   * Returns the entry of a database: what the URL says counts before what holds for all.
   *
   * @throws ConfigException if what holds for all cannot be used with it
   * @throws IllegalArgumentException if the replica cannot be that of this database
   */
  DatabaseEntry entry(Path database, ReplicaUrl replica) throws ConfigException;
}
