package dev.sluice.replicator.config;

import java.time.Duration;

/**
 * How one database is captured. Immutable.
 *
 * <p>Of what Litestream knows, the intervals, the timeout and the two limits below {@code
 * spoolBytesMax} are kept as they were written and change nothing: see the table in
 * docs/configuration.md.
 *
 * @param minCheckpointPageCount from this many pages of WAL on it is checkpointed
 * @param spoolBytesMax what may wait for its upload beside the database before capture stops
 * @param truncatePageCount pages of WAL at which Litestream truncates it; 0 for never
 * @param syncWalBytesMax bytes of WAL that Litestream reads at once; 0 for all
 */
public record CaptureSettings(
    int minCheckpointPageCount,
    long spoolBytesMax,
    Duration monitorInterval,
    Duration checkpointInterval,
    Duration busyTimeout,
    int truncatePageCount,
    long syncWalBytesMax) {

  /** What holds where nothing is said. */
  public static final CaptureSettings DEFAULT =
      new CaptureSettings(
          1_000,
          4L << 30,
          Duration.ofSeconds(1),
          Duration.ofMinutes(1),
          Duration.ofSeconds(1),
          121_359,
          64L << 20);
}
