package dev.sluice.replicator.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Says which databases of a configuration there are now: those that are named, and those that its
 * directories hold.
 *
 * <p>Cheap enough to be asked at every hint of a {@link java.nio.file.WatchService} and every few
 * seconds without one: a look costs a stat for each file that has a database's name, and reads a
 * file only when it is new. Confined to one thread at a time, but for {@link #know}.
 */
public final class DatabaseScan {
  private final Configuration configuration;
  private final Headers headers = new Headers();
  private final Map<DirectoryEntry, DirectoryScan.Contents> last = new HashMap<>();

  /** Takes a configuration; looks at nothing yet. */
  public DatabaseScan(Configuration configuration) {
    this.configuration = configuration;
  }

  /**
   * What there is.
   *
   * @param databases those that are named, whether or not there are such files, then those found,
   *     by path; no two have the same path, file, spool or replica
   * @param folders those in which a new database of a watched directory would appear
   * @param problems a line for each thing that is left out, and why: for the log, when it is new
   */
  public record Found(List<DatabaseEntry> databases, Set<Path> folders, List<String> problems) {
    public Found {
      databases = List.copyOf(databases);
      folders = Set.copyOf(folders);
      problems = List.copyOf(problems);
    }
  }

  /**
   * Says that there is a database at a path, now or later, into which nobody is to look: to be
   * called before it is opened. Thread-safe.
   */
  public void know(Path database) {
    headers.know(database);
  }

  /**
   * Looks. A directory that is not watched is looked at the first time only; one that cannot be
   * read has what it had before.
   */
  public Found look() {
    headers.acceptKnown();
    Collected collected = new Collected();
    for (DatabaseEntry database : configuration.databases()) {
      headers.accept(database.path());
      collected.add(database);
    }
    for (DirectoryEntry directory : configuration.directories()) {
      DirectoryScan.Contents before = last.get(directory);
      DirectoryScan.Contents now =
          before != null && !directory.isWatched()
              ? before
              : new DirectoryScan(directory, headers, before == null ? List.of() : before.paths())
                  .look();
      last.put(directory, now);
      collected.add(directory, now);
    }
    return new Found(collected.databases, collected.folders, collected.problems);
  }

  /** What was found so far, in one look. */
  private final class Collected {
    final List<DatabaseEntry> databases = new ArrayList<>();
    final Set<Path> folders = new LinkedHashSet<>();
    final List<String> problems = new ArrayList<>();
    private final Clashes clashes = new Clashes();
    private final Map<Object, Path> byFile = new HashMap<>();

    void add(DatabaseEntry database) {
      Optional<Object> file = headers.file(database.path());
      Optional<Path> same = file.map(byFile::get);
      Optional<String> clash =
          same.isPresent()
              ? Optional.of(database.path() + " is the same file as " + same.get())
              : clashes.add(database);
      if (clash.isPresent()) {
        problems.add(database.origin() + ": " + clash.get());
      } else {
        databases.add(database);
        file.ifPresent(key -> byFile.put(key, database.path()));
      }
    }

    void add(DirectoryEntry directory, DirectoryScan.Contents contents) {
      contents.problems().forEach(problem -> problems.add(directory.origin() + ": " + problem));
      if (directory.isWatched()) {
        folders.addAll(contents.folders());
      }
      for (Path path : contents.paths()) {
        try {
          directory.database(path).ifPresent(this::add);
        } catch (IllegalArgumentException e) {
          problems.add(directory.origin() + ": " + path + ": " + e.getMessage());
        }
      }
    }
  }
}
