package dev.sluice.storage.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {

  @ParameterizedTest
  @CsvSource({
    "1s, PT1S",
    "500ms, PT0.5S",
    "1h30m, PT1H30M",
    "1.5s, PT1.5S",
    ".5h, PT30M",
    "1.h, PT1H",
    "100us, PT0.0001S",
    "100µs, PT0.0001S",
    "7ns, PT0.000000007S",
    "1.9999999999ns, PT0.000000001S",
    "30m1h, PT1H30M",
    "0, PT0S",
    "0s, PT0S",
    "' 24h ', PT24H",
    "PT1H30M, PT1H30M",
    "pt0.5s, PT0.5S",
    "P1DT2H, PT26H",
  })
  void goAndIsoFormsAreTaken(String text, String expected) {
    assertEquals(Duration.parse(expected), Durations.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "1",
        "1d",
        "s",
        "1 s",
        "-1s",
        "1s-1s",
        "1S",
        "1,5s",
        "1h x",
        "P",
        "PT",
        "PT-1S",
        "1..5s",
        "1e3s",
        "9999999999h",
        "P999999999D",
        "٣s"
      })
  void whatIsNoDurationIsQuoted(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Durations.parse(text)).getMessage();
    assertTrue(String.valueOf(message).contains("\"" + text + "\""), message);
  }

  @Test
  void aNumberAloneLacksItsUnit() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Durations.parse("30")).getMessage();
    assertTrue(String.valueOf(message).contains("the unit is missing"), message);
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S, 0s",
    "PT1H30M, 1h30m",
    "PT0.5S, 500ms",
    "PT1.5S, 1.5s",
    "PT24H, 24h",
    "PT0.0000015S, 1.5us",
    "PT0.000000999S, 999ns",
    "PT1H0.25S, 1h0.25s",
    "PT100S, 1m40s"
  })
  void formatIsShort(String duration, String expected) {
    assertEquals(expected, Durations.format(Duration.parse(duration)));
  }

  @Test
  void whatIsFormattedIsParsedBack() {
    for (int seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      Duration duration = Duration.ofNanos(random.nextLong() >>> (1 + random.nextInt(60)));
      assertEquals(duration, Durations.parse(Durations.format(duration)), "seed " + seed);
    }
  }
}
