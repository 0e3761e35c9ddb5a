package dev.sluice.replicator.levels;

import java.time.Duration;
import java.util.List;

/**
 * What the upkeep of one replica has done, and what there is. Immutable.
 *
 * @param deletions runs that deleted something
 * @param deletedFiles how many files they deleted
 * @param fileCounts the files of each level, 0 to 9
 * @param needsImage whether history has a gap that only an image of the database ends
 */
public record LevelFigures(
    Work compactions,
    Work snapshots,
    Work deletions,
    Work listings,
    long deletedFiles,
    List<Integer> fileCounts,
    boolean needsImage) {

  public LevelFigures {
    fileCounts = List.copyOf(fileCounts);
  }

  /**
   * One kind of work.
   *
   * @param count how often it was done
   * @param errors how often it failed
   * @param time how long all of it took, failures too
   * @param inputBytes bytes of the files that were read
   * @param outputBytes bytes of the files that were stored
   */
  public record Work(long count, long errors, Duration time, long inputBytes, long outputBytes) {

    /** Nothing was done yet. */
    public static final Work NONE = new Work(0, 0, Duration.ZERO, 0, 0);

    Work done(Duration took, long inputBytesMore, long outputBytesMore) {
      return new Work(
          count + 1,
          errors,
          time.plus(took),
          inputBytes + inputBytesMore,
          outputBytes + outputBytesMore);
    }

    Work failed(Duration took) {
      return new Work(count, errors + 1, time.plus(took), inputBytes, outputBytes);
    }
  }
}
