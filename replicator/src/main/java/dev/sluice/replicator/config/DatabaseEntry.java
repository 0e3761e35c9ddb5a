package dev.sluice.replicator.config;

import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One database and its replica. Immutable.
 *
 * @param path absolute; there may be no such file yet
 * @param metaPath the directory of its spool
 * @param restoresIfMissing whether the database is restored from its replica before replication
 *     begins, if it is not there
 * @param origin where it was named
 */
public record DatabaseEntry(
    Path path,
    Path metaPath,
    CaptureSettings capture,
    boolean restoresIfMissing,
    ReplicaEntry replica,
    Origin origin) {

  static final String META_SUFFIX = "-litestream";

  public DatabaseEntry {
    if (!path.isAbsolute() || path.getFileName() == null || !metaPath.isAbsolute()) {
      throw new IllegalArgumentException("not an absolute path of a file: " + path);
    }
    boolean isFile = replica.url().scheme().equals(ReplicaUrl.FILE);
    if (isFile && Path.of(replica.url().path()).normalize().startsWith(metaPath)) {
      throw new IllegalArgumentException(
          replica.url().location()
              + " is in the spool of "
              + path
              + " ("
              + metaPath
              + "): a replica has a place of its own");
    }
  }

  /** Returns a database about which nothing but its two places was said. */
  public static DatabaseEntry of(Path database, ReplicaUrl replica) {
    Path path = database.toAbsolutePath().normalize();
    return new DatabaseEntry(
        path,
        metaPathBeside(path),
        CaptureSettings.DEFAULT,
        false,
        ReplicaEntry.of(replica, Origin.COMMAND_LINE),
        Origin.COMMAND_LINE);
  }

  /** Returns {@code .NAME-litestream} in the directory of a database. */
  static Path metaPathBeside(Path path) {
    String name = Optional.ofNullable(path.getFileName()).map(Path::toString).orElse("");
    return path.resolveSibling("." + name + META_SUFFIX);
  }

  /** Returns the same database, restored before replication begins if it is not there. */
  public DatabaseEntry restoringIfMissing() {
    return new DatabaseEntry(path, metaPath, capture, true, replica, origin);
  }
}
