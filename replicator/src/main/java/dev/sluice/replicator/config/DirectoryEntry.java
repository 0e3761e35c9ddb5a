package dev.sluice.replicator.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A directory of databases that all have the same settings; which there are is found by {@link
 * DatabaseScan}. Immutable.
 *
 * @param directory absolute
 * @param isRecursive whether the folders below it count, too
 * @param isWatched whether databases that come are taken up, and those that go dropped
 * @param replica the place in which each database's replica has that of its relative path
 * @param origin where it was named
 */
public record DirectoryEntry(
    Path directory,
    GoPattern pattern,
    boolean isRecursive,
    boolean isWatched,
    MetaRoot metaRoot,
    CaptureSettings capture,
    ReplicaEntry replica,
    Origin origin) {

  /** What SQLite puts beside a database; none is one, and the last may not even be opened. */
  private static final List<String> COMPANIONS = List.of("-wal", "-journal", "-shm");

  /** What a restore, or a copy that follows, has beside its database while it is made. */
  private static final Pattern STAGING =
      Pattern.compile("\\..+\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.(restoring|following)");

  /**
   * Returns the database at a path, if by its name it is one of this directory's; the file is not
   * looked at.
   *
   * @param path absolute and normalized
   * @throws IllegalArgumentException if the storage can have no such name
   */
  public Optional<DatabaseEntry> database(Path path) {
    if (!path.startsWith(directory) || path.equals(directory)) {
      return Optional.empty();
    }
    Path relative = directory.relativize(path);
    if ((relative.getNameCount() > 1 && !isRecursive) || !isNamedLikeOne(path)) {
      return Optional.empty();
    }
    List<String> names = new ArrayList<>();
    relative.forEach(name -> names.add(name.toString()));
    return Optional.of(
        new DatabaseEntry(
            path,
            metaRoot.of(path, relative),
            capture,
            false,
            replica.below(String.join("/", names)),
            origin));
  }

  /** Returns whether a file could be a database by its name alone. */
  boolean isNamedLikeOne(Path path) {
    String name = String.valueOf(path.getFileName());
    return COMPANIONS.stream().noneMatch(name::endsWith)
        && !STAGING.matcher(name).matches()
        && pattern.matches(name);
  }
}
