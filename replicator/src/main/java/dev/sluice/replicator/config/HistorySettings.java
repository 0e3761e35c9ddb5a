package dev.sluice.replicator.config;

import java.time.Duration;
import java.util.List;

/**
 * How the files of replicas are merged, and for how long they are kept; the same for all databases.
 * Immutable.
 *
 * @param levels how often level 1, 2, ... is made from the one below; 1 to 8 of them, as level 9
 *     holds the snapshots
 * @param snapshotInterval how often a full image is made
 * @param snapshotRetention for how long one is kept, and with it every point since
 * @param l0Retention for how long a level-0 file is kept at least once level 1 has it
 * @param deletes whether files in the storage are ever deleted
 */
public record HistorySettings(
    List<Duration> levels,
    Duration snapshotInterval,
    Duration snapshotRetention,
    Duration l0Retention,
    boolean deletes) {

  /** Levels above 0 and below that of the snapshots. */
  static final int LEVELS_MAX = 8;

  /** What holds where nothing is said. */
  public static final HistorySettings DEFAULT =
      new HistorySettings(
          List.of(Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofHours(1)),
          Duration.ofHours(24),
          Duration.ofHours(24),
          Duration.ofMinutes(5),
          true);

  public HistorySettings {
    if (levels.isEmpty() || levels.size() > LEVELS_MAX) {
      throw new IllegalArgumentException(levels.size() + " levels, not 1 to " + LEVELS_MAX);
    }
    levels = List.copyOf(levels);
  }
}
