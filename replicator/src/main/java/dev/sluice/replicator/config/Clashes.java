package dev.sluice.replicator.config;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Finds what two databases cannot share: their path, their spool, the place of their replica.
 * Confined to one thread at a time; for one set of databases.
 */
final class Clashes {
  private final Map<Path, DatabaseEntry> byPath = new HashMap<>();
  private final Map<Path, DatabaseEntry> byMetaPath = new HashMap<>();
  private final Map<String, DatabaseEntry> byPlace = new HashMap<>();

  /**
   * Checks what can be known without looking at any directory.
   *
   * @throws ConfigException if two clash; it names both
   */
  static void refuse(List<DatabaseEntry> databases, List<DirectoryEntry> directories)
      throws ConfigException {
    Clashes clashes = new Clashes();
    for (DatabaseEntry database : databases) {
      Optional<String> clash = clashes.add(database);
      if (clash.isPresent()) {
        throw new ConfigException(database.origin(), clash.get());
      }
      refuse(database, directories);
    }
  }

  private static void refuse(DatabaseEntry database, List<DirectoryEntry> directories)
      throws ConfigException {
    for (DirectoryEntry directory : directories) {
      Optional<DatabaseEntry> same;
      try {
        same = directory.database(database.path());
      } catch (IllegalArgumentException e) {
        throw new ConfigException(database.origin(), String.valueOf(e.getMessage()), e);
      }
      if (same.isPresent()) {
        throw new ConfigException(
            database.origin(),
            database.path()
                + " is also in dir "
                + directory.directory()
                + " of "
                + directory.origin());
      }
    }
  }

  /** Takes one more database; returns what it clashes with, if it does, and then forgets it. */
  Optional<String> add(DatabaseEntry database) {
    Optional<String> clash =
        clash(byPath, DatabaseEntry::path, database, "the same database as ")
            .or(() -> clash(byPlace, entry -> entry.replica().place(), database, replica(database)))
            .or(() -> clash(byMetaPath, DatabaseEntry::metaPath, database, "the meta-path of "));
    if (clash.isEmpty()) {
      byPath.put(database.path(), database);
      byPlace.put(database.replica().place(), database);
      byMetaPath.put(database.metaPath(), database);
    }
    return clash;
  }

  private static String replica(DatabaseEntry database) {
    return "the replica " + database.replica().url().location() + " of ";
  }

  private static <K> Optional<String> clash(
      Map<K, DatabaseEntry> known,
      Function<DatabaseEntry, K> key,
      DatabaseEntry database,
      String what) {
    return Optional.ofNullable(known.get(key.apply(database)))
        .map(
            other ->
                database.path()
                    + " has "
                    + what
                    + other.path()
                    + " ("
                    + other.origin()
                    + "): each database has its own");
  }
}
