package dev.sluice.storage.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.Target;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimesTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2026-11-20T10:00:00Z | 2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00z | 2026-11-20T10:00:00Z",
        "2026-11-20t10:00:00.5Z | 2026-11-20T10:00:00.5Z",
        "2026-11-20 10:00:00.123456789Z | 2026-11-20T10:00:00.123456789Z",
        "2026-11-20T10:00:00+01:00 | 2026-11-20T09:00:00Z",
        "2026-11-20T10:00:00.25-05:30 | 2026-11-20T15:30:00.25Z",
        "5 minutes ago | 2026-11-21T11:55:00Z",
        "1 minute ago | 2026-11-21T11:59:00Z",
        "5m ago | 2026-11-21T11:55:00Z",
        "An Hour Ago | 2026-11-21T11:00:00Z",
        "a day ago | 2026-11-20T12:00:00Z",
        "30 secs ago | 2026-11-21T11:59:30Z",
        "1.5 hours ago | 2026-11-21T10:30:00Z",
        "1 day 2 hours ago | 2026-11-20T10:00:00Z",
        "1 day, 2 hours and 3 minutes ago | 2026-11-20T09:57:00Z",
        "1 day, 2 hours, and a minute ago | 2026-11-20T09:59:00Z",
        "2 weeks ago | 2026-11-07T12:00:00Z",
        "9 months ago | 2026-02-21T12:00:00Z",
        "1 year ago | 2025-11-21T12:00:00Z",
        "yesterday | 2026-11-20T12:00:00Z",
        "Now | 2026-11-21T12:00:00Z",
      })
  void aTimeMeansTheStateBeforeIt(String text, Instant expected) {
    assertEquals(new Target.Before(expected), Times.parse(text, NOW));
    assertEquals(expected, Times.parseInstant(text, NOW));
  }

  @ParameterizedTest
  @ValueSource(strings = {"LATEST", "latest", " Latest "})
  void latestIsTheNewestState(String text) {
    assertEquals(new Target.Latest(), Times.parse(text, NOW));
    assertThrows(IllegalArgumentException.class, () -> Times.parseInstant(text, NOW));
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-20T10:00:00, 2026-11-20T10:00:00Z",
    "2026-11-20 10:00:00.5, 2026-11-20T10:00:00.5Z",
    "2026-11-20 10:00, 2026-11-20T10:00:00Z",
    "2026-11-20, 2026-11-20T00:00:00Z",
  })
  void aLocalTimeIsRefusedWithWhatToWrite(String text, String hint) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Times.parse(text, NOW)).getMessage();
    assertTrue(String.valueOf(message).contains("no zone"), message);
    assertTrue(String.valueOf(message).contains("write " + hint + " for UTC"), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tomorrow",
        "5 minutes",
        "ago",
        " ago",
        "minutes ago",
        "5 parsecs ago",
        "-5 minutes ago",
        "5 minutes 3 ago",
        "2 minutes and ago",
        "2 minutes and 3 seconds and ago",
        "1 hour, ago",
        "an hours ago",
        "a minutes ago",
        "anhour ago",
        "1.5 months ago",
        "2026-11-20T10:00Z",
        "2026-11-20Z",
        "2026-13-20T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T10:00:00+1",
        "20261120T100000Z",
        "1763632800",
        "999999999 years 999999999 years ago",
        "latest ago",
      })
  void whatIsNoTimeIsQuoted(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Times.parse(text, NOW)).getMessage();
    assertTrue(String.valueOf(message).contains("\"" + text), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "999999999 years ago",
        "999999999 weeks ago",
        "2027 years ago",
        "99999 months ago"
      })
  void absurdAmountsAreTooLongAgo(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Times.parse(text, NOW)).getMessage();
    assertEquals("the time is too long ago: \"" + text + "\"", message);
  }

  @Test
  void whatIsFormattedIsParsedBack() {
    Instant time = Instant.parse("2026-11-20T10:00:00.120Z");
    assertEquals("2026-11-20T10:00:00.120Z", Times.format(time));
    assertEquals(time, Times.parseInstant(Times.format(time), NOW));
    assertEquals("2026-11-20T10:00:00Z", Times.format(Instant.parse("2026-11-20T10:00:00Z")));
  }
}
