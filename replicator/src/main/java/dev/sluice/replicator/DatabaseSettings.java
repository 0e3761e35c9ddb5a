package dev.sluice.replicator;

import dev.sluice.replicator.capture.CaptureSettings;
import dev.sluice.replicator.levels.LevelSettings;
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
 * @param checkpointPages pages in the WAL from which on it is checkpointed
 * @param ownsProcess whether all connections of this process to the database are the replicator's:
 *     then its file may be closed, which drops every lock that the process has on it
 * @param writing what keeps another writer away
 * @param levels how the replica's compaction levels, snapshots and retention are kept
 */
public record DatabaseSettings(
    Path path,
    Path metaPath,
    Duration syncInterval,
    long spoolBytesMax,
    int checkpointPages,
    boolean ownsProcess,
    Writing writing,
    LevelSettings levels) {

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
    return new DatabaseSettings(
        path,
        meta,
        SYNC_INTERVAL,
        SPOOL_BYTES_MAX,
        CaptureSettings.CHECKPOINT_PAGES,
        false,
        new Writing.Conditional(),
        LevelSettings.STANDARD);
  }

  /** Returns these settings with another spool. */
  public DatabaseSettings withMetaPath(Path directory) {
    return new DatabaseSettings(
        path,
        directory,
        syncInterval,
        spoolBytesMax,
        checkpointPages,
        ownsProcess,
        writing,
        levels);
  }

  /** Returns these settings with another pace of uploads. */
  public DatabaseSettings withSyncInterval(Duration interval) {
    return new DatabaseSettings(
        path, metaPath, interval, spoolBytesMax, checkpointPages, ownsProcess, writing, levels);
  }

  /** Returns these settings with another limit of the spool. */
  public DatabaseSettings withSpoolBytesMax(long bytes) {
    return new DatabaseSettings(
        path, metaPath, syncInterval, bytes, checkpointPages, ownsProcess, writing, levels);
  }

  /** Returns these settings with another length of the WAL. */
  public DatabaseSettings withCheckpointPages(int pages) {
    return new DatabaseSettings(
        path, metaPath, syncInterval, spoolBytesMax, pages, ownsProcess, writing, levels);
  }

  /** Returns these settings for a process that is the replicator's alone, or is not. */
  public DatabaseSettings withOwnProcess(boolean isOurs) {
    return new DatabaseSettings(
        path, metaPath, syncInterval, spoolBytesMax, checkpointPages, isOurs, writing, levels);
  }

  /** Returns these settings with other levels. */
  public DatabaseSettings withLevels(LevelSettings kept) {
    return new DatabaseSettings(
        path, metaPath, syncInterval, spoolBytesMax, checkpointPages, ownsProcess, writing, kept);
  }

  /** Returns these settings with another guard against a second writer. */
  public DatabaseSettings withWriting(Writing how) {
    return new DatabaseSettings(
        path, metaPath, syncInterval, spoolBytesMax, checkpointPages, ownsProcess, how, levels);
  }
}
