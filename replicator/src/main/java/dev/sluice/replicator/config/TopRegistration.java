package dev.sluice.replicator.config;

import dev.sluice.replicator.config.Value.Mapping;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;

/**
 * The top level of a file, for the databases that it does not name. Read anew for each of them, as
 * a key that no replica has used yet is looked at only then. Immutable.
 */
final class TopRegistration implements Registration {
  private final ConfigText text;
  private final Surroundings surroundings;
  private final Mapping top; // no record: it may hold secrets

  TopRegistration(ConfigText text, Surroundings surroundings, Mapping top) {
    this.text = text;
    this.surroundings = surroundings;
    this.top = top;
  }

  @Override
  public DatabaseEntry entry(Path database, ReplicaUrl replica) throws ConfigException {
    Reading reading = new Reading(text, surroundings);
    Section section = new Section(reading, Scope.TOP, top);
    DatabaseEntry plain = DatabaseEntry.of(database, replica);
    return new DatabaseEntry(
        plain.path(),
        plain.metaPath(),
        DatabaseReader.capture(reading, section),
        plain.restoresIfMissing(),
        ReplicaReader.read(reading, replica, section),
        plain.origin());
  }
}
