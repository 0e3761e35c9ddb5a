package dev.sluice.storage.text;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes in bytes: a number alone, or with {@code KB MB GB} (powers of 1000) or {@code KiB MiB GiB}
 * (powers of 1024).
 */
public final class Sizes {
  private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([A-Za-z]*)");
  private static final List<Map.Entry<String, Long>> UNITS =
      List.of(
          Map.entry("GiB", 1L << 30),
          Map.entry("GB", 1_000_000_000L),
          Map.entry("MiB", 1L << 20),
          Map.entry("MB", 1_000_000L),
          Map.entry("KiB", 1L << 10),
          Map.entry("KB", 1_000L));

  private Sizes() {}

  /**
   * Returns the number of bytes. Upper and lower case are the same; a fraction must come to whole
   * bytes.
   *
   * @throws IllegalArgumentException if the text is anything else or does not fit in 63 bits; the
   *     message quotes it
   */
  public static long parse(String text) {
    Matcher size = SIZE.matcher(text.strip());
    if (!size.matches()) {
      throw notOne(text, "");
    }
    BigDecimal bytes =
        new BigDecimal(size.group(1)).multiply(BigDecimal.valueOf(unit(size.group(2), text)));
    try {
      return bytes.longValueExact();
    } catch (ArithmeticException e) {
      boolean isFraction = bytes.stripTrailingZeros().scale() > 0;
      throw notOne(text, isFraction ? "; it is not a whole number of bytes" : "; it is too large");
    }
  }

  private static long unit(String name, String text) {
    String upper = name.toUpperCase(Locale.ROOT);
    if (upper.isEmpty() || upper.equals("B")) {
      return 1;
    }
    for (Map.Entry<String, Long> unit : UNITS) {
      if (unit.getKey().toUpperCase(Locale.ROOT).equals(upper)) {
        return unit.getValue();
      }
    }
    boolean isBareLetter = upper.length() == 1 && "KMG".contains(upper);
    throw notOne(text, isBareLetter ? "; write " + upper + "B or " + upper + "iB" : "");
  }

  private static IllegalArgumentException notOne(String text, String why) {
    return new IllegalArgumentException(
        "not a size (bytes, or KB MB GB KiB MiB GiB): \"" + text + "\"" + why);
  }

  /**
   * Returns what {@link #parse} takes back exactly: the number in the largest unit in which it is
   * whole.
   */
  public static String format(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("a size is not negative: " + bytes);
    }
    for (Map.Entry<String, Long> unit : UNITS) {
      if (bytes > 0 && bytes % unit.getValue() == 0) {
        return bytes / unit.getValue() + unit.getKey();
      }
    }
    return Long.toString(bytes);
  }
}
