package dev.sluice.replicator.levels;

import java.time.Duration;
import java.time.Instant;

/**
 * Windows of the wall clock, which follow each other from the first day of the year 1 on, as
 * Litestream counts them: two processes, or one before and after a restart, have the same.
 */
final class Windows {
  /** From the first day of the year 1 to the Unix epoch. */
  private static final long EPOCH_MILLIS = 62_135_596_800_000L;

  private Windows() {}

  /** Returns when the window that {@code time} is in ends, which is after {@code time}. */
  static Instant end(Instant time, Duration interval) {
    long length = interval.toMillis();
    long passed = Math.floorMod(time.toEpochMilli() + EPOCH_MILLIS, length);
    return Instant.ofEpochMilli(time.toEpochMilli() + length - passed);
  }
}
