package dev.sluice.cli;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One JSON object, written as its members come, in their order. Confined to one thread at a time.
 */
final class Json {

  /**
   * The greatest integer that every JSON reader keeps exactly, as most of them read numbers into a
   * double.
   */
  static final long EXACT_MAX = 1L << 53;

  private final Map<String, String> members = new LinkedHashMap<>();

  Json put(String name, String text) {
    members.put(name, quote(text));
    return this;
  }

  Json put(String name, long number) {
    members.put(name, Long.toString(number));
    return this;
  }

  Json putNull(String name) {
    members.put(name, "null");
    return this;
  }

  /** Returns the object on one line. */
  @Override
  public String toString() {
    StringBuilder out = new StringBuilder("{");
    members.forEach(
        (name, value) ->
            out.append(out.length() == 1 ? "" : ",").append(quote(name)).append(':').append(value));
    return out.append('}').toString();
  }

  /** Returns {@code number} as a JSON number, or as a string where a double could not hold it. */
  static String integer(long number) {
    String digits = Long.toString(number);
    return number >= -EXACT_MAX && number <= EXACT_MAX ? digits : '"' + digits + '"';
  }

  /**
   * Returns {@code text} as a JSON string; half a surrogate pair, which UTF-8 cannot hold, is
   * escaped.
   */
  static String quote(String text) {
    StringBuilder out = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ' || c == 0x7f || (Character.isSurrogate(c) && !isInPair(text, i))) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }

  private static boolean isInPair(String text, int index) {
    return Character.isHighSurrogate(text.charAt(index))
        ? index + 1 < text.length() && Character.isLowSurrogate(text.charAt(index + 1))
        : index > 0 && Character.isHighSurrogate(text.charAt(index - 1));
  }
}
