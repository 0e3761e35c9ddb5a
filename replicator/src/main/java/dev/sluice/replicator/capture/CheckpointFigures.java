package dev.sluice.replicator.capture;

import java.time.Duration;

/**
 * What the checkpoints of one database came to, since it was opened last. Immutable.
 *
 * @param count of those that were run, barrier or not
 * @param time that they took
 * @param errors how many of them failed
 * @param barriers how often writers were kept out for one
 * @param barrierTime for how long
 * @param barrierMisses how often no moment without writers was found
 */
public record CheckpointFigures(
    long count,
    Duration time,
    long errors,
    long barriers,
    Duration barrierTime,
    long barrierMisses) {

  /** Of a database without one. */
  public static final CheckpointFigures NONE =
      new CheckpointFigures(0, Duration.ZERO, 0, 0, Duration.ZERO, 0);

  /** Returns these and one more without a barrier. */
  CheckpointFigures withOne(long nanos) {
    return new CheckpointFigures(
        count + 1, time.plusNanos(nanos), errors, barriers, barrierTime, barrierMisses);
  }

  /** Returns these and one more that failed. */
  CheckpointFigures withFailed(long nanos) {
    return new CheckpointFigures(
        count + 1, time.plusNanos(nanos), errors + 1, barriers, barrierTime, barrierMisses);
  }

  /** Returns these and a barrier. */
  CheckpointFigures withBarrier(long nanos) {
    return new CheckpointFigures(
        count, time, errors, barriers + 1, barrierTime.plusNanos(nanos), barrierMisses);
  }

  /** Returns these and a barrier that was not to be had. */
  CheckpointFigures withMiss() {
    return new CheckpointFigures(count, time, errors, barriers, barrierTime, barrierMisses + 1);
  }
}
