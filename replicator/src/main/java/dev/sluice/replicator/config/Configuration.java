package dev.sluice.replicator.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Everything that a user says about replication. Immutable.
 *
 * @param databases those that are named, in the order of the file; no two have the same path, spool
 *     or replica
 * @param directories those whose databases are found by looking, in the order of the file
 * @param warnings a line for each thing that was said and has no effect; for the log
 * @param registration what holds for databases that are named later
 */
public record Configuration(
    List<DatabaseEntry> databases,
    List<DirectoryEntry> directories,
    HistorySettings history,
    DaemonSettings daemon,
    List<String> warnings,
    Registration registration) {

  public Configuration {
    databases = List.copyOf(databases);
    directories = List.copyOf(directories);
    warnings = List.copyOf(warnings);
  }

  /** Returns what holds for one database where no file says anything. */
  public static Configuration of(DatabaseEntry database) {
    return new Configuration(
        List.of(database),
        List.of(),
        HistorySettings.DEFAULT,
        DaemonSettings.DEFAULT,
        List.of(),
        Registration.PLAIN);
  }

  /** Returns the same, with each named database restored first if it is not there. */
  public Configuration restoringIfMissing() {
    return new Configuration(
        databases.stream().map(DatabaseEntry::restoringIfMissing).toList(),
        directories,
        history,
        daemon,
        warnings,
        registration);
  }

  /**
   * Returns the database at a path: one that is named, or one that belongs to a directory by its
   * name. There need be no such file.
   *
   * @param path relative to the working directory, or absolute
   * @throws IllegalArgumentException if the storage can have no such name
   */
  public Optional<DatabaseEntry> database(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    for (DatabaseEntry named : databases) {
      if (named.path().equals(absolute)) {
        return Optional.of(named);
      }
    }
    return directories.stream().flatMap(one -> one.database(absolute).stream()).findFirst();
  }
}
