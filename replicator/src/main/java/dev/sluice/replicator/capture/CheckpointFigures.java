package dev.sluice.replicator.capture;

import java.time.Duration;

/**
 * What the checkpoints of one database came to, since it was opened last. Immutable.
 *
 * @param count of those that were run, barrier or not
 * @param time that they took
 * @param errors how many of them failed
 * @param barriers for how long writers were kept out for one, each time
 * @param barrierMisses how often no moment without writers was found
 */
public record CheckpointFigures(
    long count, Duration time, long errors, BarrierTimes barriers, long barrierMisses) {

  /** Of a database without one. */
  public static final CheckpointFigures NONE =
      new CheckpointFigures(0, Duration.ZERO, 0, BarrierTimes.NONE, 0);

  /** Returns these and one more without a barrier. */
  CheckpointFigures withOne(long nanos) {
    return new CheckpointFigures(count + 1, time.plusNanos(nanos), errors, barriers, barrierMisses);
  }

  /** Returns these and one more that failed. */
  CheckpointFigures withFailed(long nanos) {
    return new CheckpointFigures(
        count + 1, time.plusNanos(nanos), errors + 1, barriers, barrierMisses);
  }

  /** Returns these and a barrier. */
  CheckpointFigures withBarrier(long nanos) {
    return new CheckpointFigures(count, time, errors, barriers.with(nanos), barrierMisses);
  }

  /** Returns these and a barrier that was not to be had. */
  CheckpointFigures withMiss() {
    return new CheckpointFigures(count, time, errors, barriers, barrierMisses + 1);
  }
}
