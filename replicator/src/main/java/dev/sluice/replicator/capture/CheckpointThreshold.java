package dev.sluice.replicator.capture;

import java.util.concurrent.TimeUnit;

/**
 * From how many pages on the WAL is checkpointed. A short WAL is quick to read for the application;
 * a long one spares it checkpoints. So the threshold doubles, up to three thousand pages, for as
 * long as generations end more than ten times a second, and halves when that would not make it so
 * again. Changes with each generation and second; confined to one thread at a time.
 */
final class CheckpointThreshold {
  private static final int PAGES_MAX = 3000;
  private static final int GENERATIONS_MAX = 10;
  private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final int least;
  private int pages;
  private int generations;
  private long sinceNanos;

  /**
   * @param least the threshold where commits are rare; one above three thousand stays what it is
   */
  CheckpointThreshold(int least, long nowNanos) {
    this.least = least;
    this.pages = least;
    this.sinceNanos = nowNanos;
  }

  /** Returns the threshold now. */
  int pages(long nowNanos) {
    if (nowNanos - sinceNanos >= SECOND_NANOS) {
      endSecond(nowNanos);
    }
    return pages;
  }

  private void endSecond(long nowNanos) {
    double perSecond = (double) generations * SECOND_NANOS / (nowNanos - sinceNanos);
    if (perSecond > GENERATIONS_MAX) {
      pages = Math.max(least, Math.min(PAGES_MAX, pages * 2));
    } else if (perSecond * 2 <= GENERATIONS_MAX) {
      pages = Math.max(least, pages / 2);
    }
    generations = 0;
    sinceNanos = nowNanos;
  }

  /** Counts a generation whose frames the database has all. */
  void generationEnded() {
    generations++;
  }
}
