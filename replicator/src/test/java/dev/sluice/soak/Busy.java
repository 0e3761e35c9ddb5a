package dev.sluice.soak;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * How often an application was told that the database is busy, and whether it may be.
 *
 * <p>Its connections wait for ten seconds, and it leaves the journal and locking modes alone: then
 * replication is no reason to refuse anything but a checkpoint, which SQLite refuses at once while
 * another one runs. Where connections of its own wait for each other SQLite's way of waiting is not
 * fair, and one of them may be refused. Thread-safe.
 */
final class Busy {
  /** What it says before a kind of checkpoint and whether it was refused. */
  static final String CHECKPOINT = "checkpoint ";

  /** What it says before the code, when a statement was refused because of another of its own. */
  static final String REFUSED = "refused ";

  private static final String IN_VAIN = " refused";
  private static final int CHECKPOINTS_MIN = 40;
  private static final long WAIT_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

  private final boolean isOrderly;

  /**
   * @param isOrderly whether no two of its connections are at work at a time
   */
  Busy(boolean isOrderly) {
    this.isOrderly = isOrderly;
  }

  /** Takes that a statement of a writer was refused, or fails. */
  void refused(SQLiteException e) throws SQLiteException {
    if (isOrderly || e.getResultCode() != SQLiteErrorCode.SQLITE_BUSY) {
      throw e;
    }
    System.out.println(REFUSED + e.getResultCode());
  }

  /**
   * Takes what a checkpoint came to, or fails if it waited and in vain: readers of its own last for
   * a second and a half at most.
   */
  void checkpointed(String mode, boolean isRefused, long nanos) {
    if (isOrderly && isRefused && nanos > WAIT_NANOS_MAX) {
      throw new IllegalStateException("checkpoint " + mode + " waited in vain");
    }
    System.out.println(CHECKPOINT + mode + (isRefused ? IN_VAIN : " done"));
  }

  /** Fails if checkpoints were refused half of the time. */
  static void requireCheckpoints(Map<String, Integer> counts) {
    int all = 0;
    int refused = 0;
    for (Map.Entry<String, Integer> one : counts.entrySet()) {
      if (one.getKey().startsWith(CHECKPOINT)) {
        all += one.getValue();
        refused += one.getKey().endsWith(IN_VAIN) ? one.getValue() : 0;
      }
    }
    if (all >= CHECKPOINTS_MIN && refused * 2 > all) {
      throw new AssertionError("checkpoints are refused too often: " + counts);
    }
  }

  /** Adds what the output of an application says, by what it says. */
  static void count(String output, Map<String, Integer> counts) {
    output
        .lines()
        .filter(line -> line.startsWith(CHECKPOINT) || line.startsWith(REFUSED))
        .forEach(line -> counts.merge(line, 1, Integer::sum));
  }

  /** Returns counts of nothing. */
  static Map<String, Integer> none() {
    return new TreeMap<>();
  }
}
