package dev.sluice.storage.text;

import dev.sluice.storage.Target;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Times as users write them: RFC 3339 with a zone ({@code 2026-11-20T10:00:00.5Z}), relative
 * ({@code 5 minutes ago}, {@code an hour ago}, {@code 1 day 2 hours ago}, {@code yesterday}, {@code
 * now}), or {@code LATEST}. Upper and lower case are the same.
 *
 * <p>A date-time without a zone is refused: the primary's zone and the reader's need not be the
 * same.
 */
public final class Times {
  private static final Pattern DATE_TIME =
      Pattern.compile(
          "(\\d{4}-\\d{2}-\\d{2})(?:[tT ](\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?))?\\s*([zZ]|[+-]\\d{2}:\\d{2})?");
  private static final Pattern AGO = Pattern.compile("(.+)\\s+ago");
  private static final Pattern AMOUNT =
      Pattern.compile(
          "(\\d{1,9}(?:\\.\\d{1,9})?\\s*|an?\\s+)([a-z]+)(\\s*,\\s*(?:and\\s+)?|\\s+and\\s+|\\s+|$)");

  /** No replica is older, and RFC 3339 has no years before it. */
  private static final Instant EARLIEST = Instant.parse("0000-01-01T00:00:00Z");

  private static final Map<String, Duration> FIXED_UNITS =
      Map.ofEntries(
          Map.entry("s", Duration.ofSeconds(1)),
          Map.entry("sec", Duration.ofSeconds(1)),
          Map.entry("second", Duration.ofSeconds(1)),
          Map.entry("m", Duration.ofMinutes(1)),
          Map.entry("min", Duration.ofMinutes(1)),
          Map.entry("minute", Duration.ofMinutes(1)),
          Map.entry("h", Duration.ofHours(1)),
          Map.entry("hr", Duration.ofHours(1)),
          Map.entry("hour", Duration.ofHours(1)),
          Map.entry("d", Duration.ofDays(1)),
          Map.entry("day", Duration.ofDays(1)),
          Map.entry("w", Duration.ofDays(7)),
          Map.entry("week", Duration.ofDays(7)));
  private static final Map<String, Period> CALENDAR_UNITS =
      Map.of("month", Period.ofMonths(1), "year", Period.ofYears(1));

  private Times() {}

  /**
   * Returns the state that a time stands for: the newest one strictly before it, or the newest of
   * all for {@code LATEST}.
   *
   * @param now what relative times count from; days and months are those of UTC
   * @throws IllegalArgumentException if the text is no time, or has no zone; the message quotes it
   *     and says what to write
   */
  public static Target parse(String text, Instant now) {
    String trimmed = text.strip();
    return trimmed.equalsIgnoreCase("LATEST")
        ? new Target.Latest()
        : new Target.Before(parseInstant(text, now));
  }

  /** As {@link #parse}, for times that mean an instant: {@code LATEST} is not one. */
  public static Instant parseInstant(String text, Instant now) {
    String trimmed = text.strip();
    Matcher dateTime = DATE_TIME.matcher(trimmed);
    return dateTime.matches() ? parseDateTime(text, dateTime) : parseRelative(text, trimmed, now);
  }

  private static Instant parseDateTime(String text, Matcher matcher) {
    String date = matcher.group(1);
    String time = matcher.group(2) == null ? "00:00:00" : matcher.group(2);
    String seconds = time.length() == 5 ? ":00" : "";
    String zone = matcher.group(3);
    if (zone == null) {
      String utc = date + "T" + time + seconds;
      throw new IllegalArgumentException(
          "the time has no zone: \""
              + text
              + "\"; write "
              + utc
              + "Z for UTC, or an offset as "
              + utc
              + "+01:00");
    }
    boolean isWhole = matcher.group(2) != null && seconds.isEmpty();
    if (!isWhole) {
      throw notOne(text);
    }
    try {
      return OffsetDateTime.parse(date + "T" + time + zone.toUpperCase(Locale.ROOT)).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException("there is no such time: \"" + text + "\"", e);
    }
  }

  private static Instant parseRelative(String text, String trimmed, Instant now) {
    String lower = trimmed.toLowerCase(Locale.ROOT);
    if (lower.equals("now")) {
      return now;
    }
    if (lower.equals("yesterday")) {
      return now.minus(Duration.ofDays(1));
    }
    Matcher ago = AGO.matcher(lower);
    if (!ago.matches()) {
      throw notOne(text);
    }
    try {
      Instant time = subtract(text, ago.group(1), now);
      if (time.isBefore(EARLIEST)) {
        throw new DateTimeException("before the year 0");
      }
      return time;
    } catch (DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException("the time is too long ago: \"" + text + "\"", e);
    }
  }

  private static Instant subtract(String text, String amounts, Instant now) {
    Matcher amount = AMOUNT.matcher(amounts);
    Instant time = now;
    int end = 0;
    while (end < amounts.length()) {
      if (!amount.find(end) || amount.start() != end) {
        throw notOne(text);
      }
      boolean isArticle = amount.group(1).startsWith("a");
      String unit = amount.group(2);
      end = amount.end();
      // "an hours" and "1 hour, ago" are slips of which nobody knows what was meant.
      boolean isPlural = unit.length() > 1 && unit.endsWith("s");
      boolean isCutOff = end == amounts.length() && !amount.group(3).isBlank();
      if (isCutOff || (isArticle && isPlural)) {
        throw notOne(text);
      }
      BigDecimal count = isArticle ? BigDecimal.ONE : new BigDecimal(amount.group(1).strip());
      time = subtract(text, count, unit, time);
    }
    return time;
  }

  private static Instant subtract(String text, BigDecimal count, String unit, Instant time) {
    String singular =
        unit.length() > 1 && unit.endsWith("s") ? unit.substring(0, unit.length() - 1) : unit;
    Duration fixed = FIXED_UNITS.get(singular);
    if (fixed != null) {
      BigDecimal nanos =
          count.multiply(BigDecimal.valueOf(fixed.toNanos())).setScale(0, RoundingMode.DOWN);
      return time.minusNanos(nanos.longValueExact());
    }
    Period calendar = CALENDAR_UNITS.get(singular);
    boolean isWhole = count.stripTrailingZeros().scale() <= 0;
    if (calendar == null || !isWhole) {
      throw notOne(text);
    }
    return time.atOffset(ZoneOffset.UTC)
        .minus(calendar.multipliedBy(count.intValueExact()))
        .toInstant();
  }

  private static IllegalArgumentException notOne(String text) {
    return new IllegalArgumentException(
        "not a time (as 2026-11-20T10:00:00Z, 5 minutes ago, yesterday or LATEST): \""
            + text
            + "\"");
  }

  /** Returns RFC 3339 in UTC, with as many fraction digits as it takes. */
  public static String format(Instant time) {
    return DateTimeFormatter.ISO_INSTANT.format(time);
  }
}
