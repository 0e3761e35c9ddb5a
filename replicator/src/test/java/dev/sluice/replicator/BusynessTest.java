package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class BusynessTest {
  private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long START = Long.MAX_VALUE - 30 * MILLI;

  private final Busyness busyness = new Busyness();

  /** Returns whether one of {@code looks} changed it. */
  private boolean look(int looks, long frames, long fromMillis, long stepMillis) {
    boolean isChanged = false;
    for (int i = 0; i < looks; i++) {
      isChanged |= busyness.isChangedBy(frames, START + (fromMillis + i * stepMillis) * MILLI);
    }
    return isChanged;
  }

  @Test
  void commitsAtEachOfManyLooksMakeItBusyUntilNoneComeForHalfASecond() {
    assertFalse(look(7, 3, 0, 4));
    assertTrue(look(1, 3, 28, 4));
    assertTrue(busyness.isBusy());
    assertFalse(look(100, 0, 32, 4), "a pause of 0.4 s");
    assertFalse(look(1, 5, 440, 4));
    assertTrue(look(150, 0, 450, 4));
    assertFalse(busyness.isBusy());
  }

  @Test
  void commitsNowAndThenDoNotMakeItBusy() {
    assertFalse(look(1000, 1, 0, 50));
    assertFalse(busyness.isBusy());
  }
}
