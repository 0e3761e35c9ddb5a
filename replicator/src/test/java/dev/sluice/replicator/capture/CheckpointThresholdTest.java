package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class CheckpointThresholdTest {
  private long nanos = 5;

  /** Lets a second pass with so many generations. */
  private int pagesAfter(CheckpointThreshold threshold, int generations) {
    for (int i = 0; i < generations; i++) {
      threshold.generationEnded();
    }
    nanos += TimeUnit.SECONDS.toNanos(1);
    return threshold.pages(nanos);
  }

  @Test
  void risesStepByStepWhileGenerationsEndOften() {
    CheckpointThreshold threshold = new CheckpointThreshold(1000, nanos);
    assertEquals(1000, threshold.pages(nanos));
    assertEquals(1000, pagesAfter(threshold, 10));
    assertEquals(2000, pagesAfter(threshold, 11));
    assertEquals(3000, pagesAfter(threshold, 30));
    assertEquals(3000, pagesAfter(threshold, 30));
    assertEquals(3000, pagesAfter(threshold, 6));
    assertEquals(1500, pagesAfter(threshold, 5));
    assertEquals(1000, pagesAfter(threshold, 0));
    assertEquals(1000, pagesAfter(threshold, 0));
  }

  @Test
  void leastIsTheSetting() {
    CheckpointThreshold low = new CheckpointThreshold(10, nanos);
    assertEquals(20, pagesAfter(low, 100));
    assertEquals(10, pagesAfter(low, 0));
    CheckpointThreshold high = new CheckpointThreshold(20_000, nanos);
    assertEquals(20_000, pagesAfter(high, 100));
  }
}
