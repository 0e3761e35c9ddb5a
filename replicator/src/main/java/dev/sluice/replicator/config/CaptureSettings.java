package dev.sluice.replicator.config;

/**
 * How one database is captured. Immutable.
 *
 * @param minCheckpointPageCount from this many pages of WAL on it is checkpointed
 * @param spoolBytesMax what may wait for its upload beside the database before capture stops
 */
public record CaptureSettings(int minCheckpointPageCount, long spoolBytesMax) {

  /** What holds where nothing is said. */
  public static final CaptureSettings DEFAULT = new CaptureSettings(1_000, 4L << 30);
}
