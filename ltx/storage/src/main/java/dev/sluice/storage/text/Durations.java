package dev.sluice.storage.text;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as Go writes them ({@code 1h30m}, {@code 500ms}, {@code 1.5s}) or in ISO 8601 ({@code
 * PT1H30M}).
 */
public final class Durations {
  private static final Pattern PART =
      Pattern.compile("(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)");
  private static final Map<String, Long> NANOS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "\u00b5s", 1_000L,
          "\u03bcs", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L);

  private static final Duration ONE_SECOND = Duration.ofSeconds(1);

  private Durations() {}

  /**
   * Returns the duration; fractions of a nanosecond are cut off.
   *
   * @throws IllegalArgumentException if the text is anything else, is negative, or does not fit in
   *     64 bits of nanoseconds; the message quotes it
   */
  public static Duration parse(String text) {
    String trimmed = text.strip();
    if (trimmed.equals("0")) {
      return Duration.ZERO;
    }
    if (trimmed.startsWith("-")) {
      throw new IllegalArgumentException("a duration is not negative: \"" + text + "\"");
    }
    return trimmed.toUpperCase(Locale.ROOT).startsWith("P")
        ? parseIso(text, trimmed)
        : parseGo(text, trimmed);
  }

  private static Duration parseIso(String text, String trimmed) {
    Duration duration;
    try {
      duration = Duration.parse(trimmed);
      long fits = duration.toNanos();
      if (fits < 0) {
        throw new IllegalArgumentException("a duration is not negative: \"" + text + "\"");
      }
    } catch (DateTimeException e) {
      throw notOne(text);
    } catch (ArithmeticException e) {
      throw tooLong(text);
    }
    return duration;
  }

  private static Duration parseGo(String text, String trimmed) {
    Matcher part = PART.matcher(trimmed);
    BigDecimal nanos = BigDecimal.ZERO;
    int end = 0;
    while (end < trimmed.length()) {
      if (!part.find(end) || part.start() != end) {
        throw notOne(text);
      }
      BigDecimal unit = BigDecimal.valueOf(NANOS.getOrDefault(part.group(2), 0L));
      nanos =
          nanos.add(new BigDecimal(part.group(1)).multiply(unit).setScale(0, RoundingMode.DOWN));
      end = part.end();
    }
    if (end == 0) {
      throw notOne(text);
    }
    try {
      return Duration.ofNanos(nanos.longValueExact());
    } catch (ArithmeticException e) {
      throw tooLong(text);
    }
  }

  private static IllegalArgumentException notOne(String text) {
    String hint = text.strip().matches("\\d+") ? "; the unit is missing" : "";
    return new IllegalArgumentException(
        "not a duration (as 1h30m, 500ms or PT1H30M): \"" + text + "\"" + hint);
  }

  private static IllegalArgumentException tooLong(String text) {
    return new IllegalArgumentException("the duration is too long: \"" + text + "\"");
  }

  /**
   * Returns what {@link #parse} takes back: hours, minutes and seconds ({@code 1h30m}), or one unit
   * below a second.
   */
  public static String format(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("a duration is not negative: " + duration);
    }
    if (duration.isZero()) {
      return "0s";
    }
    if (duration.compareTo(ONE_SECOND) < 0) {
      return formatBelowSecond(duration.toNanosPart());
    }
    StringBuilder text = new StringBuilder();
    if (duration.toHours() > 0) {
      text.append(duration.toHours()).append('h');
    }
    if (duration.toMinutesPart() > 0) {
      text.append(duration.toMinutesPart()).append('m');
    }
    if (duration.toSecondsPart() > 0 || duration.toNanosPart() > 0) {
      BigDecimal fraction = BigDecimal.valueOf(duration.toNanosPart(), 9);
      text.append(plain(fraction.add(BigDecimal.valueOf(duration.toSecondsPart())))).append('s');
    }
    return text.toString();
  }

  private static String formatBelowSecond(long nanos) {
    Map<String, Integer> digits = new LinkedHashMap<>();
    digits.put("ms", 6);
    digits.put("us", 3);
    for (Map.Entry<String, Integer> unit : digits.entrySet()) {
      BigDecimal value = BigDecimal.valueOf(nanos, unit.getValue());
      if (value.compareTo(BigDecimal.ONE) >= 0) {
        return plain(value) + unit.getKey();
      }
    }
    return nanos + "ns";
  }

  private static String plain(BigDecimal value) {
    BigDecimal stripped = value.stripTrailingZeros();
    return stripped.toPlainString();
  }
}
