package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class WindowsTest {

  private static String end(String time, Duration interval) {
    return Windows.end(Instant.parse(time), interval).toString();
  }

  @Test
  void windowsAreThoseOfTheWallClock() {
    assertEquals("2026-11-01T10:00:30Z", end("2026-11-01T10:00:29.999Z", Duration.ofSeconds(30)));
    assertEquals("2026-11-01T10:01:00Z", end("2026-11-01T10:00:30Z", Duration.ofSeconds(30)));
    assertEquals("2026-11-02T00:00:00Z", end("2026-11-01T10:00:30Z", Duration.ofHours(24)));
  }

  @Test
  void weeksBeginOnMondayAsTheFirstDayOfTheYearOneDid() {
    assertEquals("2026-11-02T00:00:00Z", end("2026-10-30T10:00:30Z", Duration.ofDays(7)));
  }
}
