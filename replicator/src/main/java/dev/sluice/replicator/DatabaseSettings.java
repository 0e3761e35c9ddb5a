package dev.sluice.replicator;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How one database is replicated. Immutable.
 *
 * @param path of the database file, absolute; it need not exist yet
 * @param metaPath the directory of the spool: what is captured and not yet safe elsewhere
 * @param syncInterval in the long run at most one upload is made in this time; after a pause a
 *     commit goes out at once
 * @param spoolBytesMax what may wait in the spool while the storage is away
 */
public record DatabaseSettings(
    Path path, Path metaPath, Duration syncInterval, long spoolBytesMax) {

  private static final Duration SYNC_INTERVAL = Duration.ofSeconds(1);
  private static final long SPOOL_BYTES_MAX = 4L << 30;

  public DatabaseSettings {
    path = path.toAbsolutePath().normalize();
    metaPath = metaPath.toAbsolutePath().normalize();
    if (syncInterval.isNegative()) {
      throw new IllegalArgumentException("sync interval " + syncInterval + " of " + path);
    }
    if (spoolBytesMax <= 0) {
      throw new IllegalArgumentException("spool of " + spoolBytesMax + " bytes for " + path);
    }
  }

  /** Returns the defaults: a spool beside the database, an upload a second. */
  public static DatabaseSettings of(Path database) {
    Path path = database.toAbsolutePath().normalize();
    Path meta = path.resolveSibling("." + path.getFileName() + "-litestream");
    return new DatabaseSettings(path, meta, SYNC_INTERVAL, SPOOL_BYTES_MAX);
  }

  /** Returns these settings with another spool. */
  public DatabaseSettings withMetaPath(Path directory) {
    return new DatabaseSettings(path, directory, syncInterval, spoolBytesMax);
  }

  /** Returns these settings with another pace of uploads. */
  public DatabaseSettings withSyncInterval(Duration interval) {
    return new DatabaseSettings(path, metaPath, interval, spoolBytesMax);
  }

  /** Returns these settings with another limit of the spool. */
  public DatabaseSettings withSpoolBytesMax(long bytes) {
    return new DatabaseSettings(path, metaPath, syncInterval, bytes);
  }
}
