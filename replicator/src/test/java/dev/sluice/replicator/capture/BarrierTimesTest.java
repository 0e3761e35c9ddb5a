package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BarrierTimesTest {

  private static BarrierTimes of(long... micros) {
    BarrierTimes times = BarrierTimes.NONE;
    for (long one : micros) {
      times = times.with(TimeUnit.MICROSECONDS.toNanos(one));
    }
    return times;
  }

  @Test
  void noneLastsNoTime() {
    assertEquals(0, BarrierTimes.NONE.count());
    assertEquals(Duration.ZERO, BarrierTimes.NONE.max());
    assertEquals(Duration.ZERO, BarrierTimes.NONE.percentile(99));
  }

  @Test
  void sumAndMaximumAreExact() {
    BarrierTimes times = of(3, 70_000, 1234);
    assertEquals(3, times.count());
    assertEquals(Duration.ofNanos(71_237_000), times.sum());
    assertEquals(Duration.ofMillis(70), times.max());
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 7, 8, 9, 15, 16, 1000, 1023, 1024, 49_999, 3_000_000, 500_000_000})
  void percentileIsAnEighthTooMuchAtMost(long micros) {
    BarrierTimes times = of(micros, micros, 900_000_000);
    long found = times.percentile(60).toNanos() / 1000;
    assertTrue(found >= Math.min(micros, 99_000_000), micros + " us are told as " + found);
    assertTrue(micros > 100_000_000 || found <= micros * 9 / 8 + 1, micros + " as " + found);
  }

  @Test
  void oneOfAHundredMayBeLonger() {
    BarrierTimes times = BarrierTimes.NONE;
    for (int i = 0; i < 99; i++) {
      times = times.with(TimeUnit.MILLISECONDS.toNanos(10));
    }
    times = times.with(TimeUnit.MILLISECONDS.toNanos(500));
    assertTrue(times.percentile(99).compareTo(Duration.ofMillis(12)) < 0, times::toString);
    times = times.with(TimeUnit.MILLISECONDS.toNanos(600));
    assertTrue(times.percentile(99).compareTo(Duration.ofMillis(500)) >= 0, times::toString);
    assertTrue(times.percentile(99).compareTo(Duration.ofMillis(563)) < 0, times::toString);
    assertEquals(Duration.ofMillis(600), times.percentile(100));
  }
}
