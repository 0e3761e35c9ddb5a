package dev.sluice.replicator.config;

import java.util.regex.Pattern;

/**
 * A pattern for file names as Go's {@code filepath.Match} has it: {@code *} is any number of
 * characters, {@code ?} is one, {@code [a-z]} and {@code [^a-z]} are one of a class, a backslash
 * takes the next character as it is. The JVM's own glob gives braces and {@code !} a meaning that
 * they do not have here. Two are equal if their texts are. Immutable.
 */
public final class GoPattern {
  private final String text;
  private final Pattern regex;

  private GoPattern(String text, Pattern regex) {
    this.text = text;
    this.regex = regex;
  }

  /**
   * Returns the pattern that a user wrote.
   *
   * @throws IllegalArgumentException if it is not one; the message quotes it
   */
  public static GoPattern parse(String text) {
    return new GoPattern(text, Pattern.compile(regex(text), Pattern.DOTALL));
  }

  /** Returns whether a whole name is matched. */
  public boolean matches(String name) {
    return regex.matcher(name).matches();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GoPattern that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** Returns the text that was parsed. */
  @Override
  public String toString() {
    return text;
  }

  private static String regex(String text) {
    StringBuilder regex = new StringBuilder();
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      if (c == '*') {
        regex.append(".*");
        i++;
      } else if (c == '?') {
        regex.append('.');
        i++;
      } else if (c == '[') {
        i = appendClass(text, i, regex);
      } else {
        i = c == '\\' ? i + 1 : i;
        int codePoint = codePoint(text, i);
        regex.append(Pattern.quote(Character.toString(codePoint)));
        i += Character.charCount(codePoint);
      }
    }
    return regex.toString();
  }

  /** Appends the class that begins at {@code start}; returns where it has ended. */
  private static int appendClass(String text, int start, StringBuilder regex) {
    int i = start + 1;
    boolean isNegated = i < text.length() && text.charAt(i) == '^';
    if (isNegated) {
      i++;
    }
    StringBuilder members = new StringBuilder();
    boolean isFirst = true;
    while (isFirst || codePoint(text, i) != ']') {
      int low = member(text, i);
      i = afterMember(text, i);
      int high = low;
      if (codePoint(text, i) == '-') {
        high = member(text, i + 1);
        i = afterMember(text, i + 1);
      }
      if (low <= high) { // the wrong way round it has nothing in it
        members.append(String.format("\\x{%x}-\\x{%x}", low, high));
      }
      isFirst = false;
    }
    if (members.isEmpty()) {
      regex.append(isNegated ? "." : "(?!)");
    } else {
      regex.append(isNegated ? "[^" : "[").append(members).append(']');
    }
    return i + 1;
  }

  private static int member(String text, int at) {
    int c = codePoint(text, at);
    if (c == '-' || c == ']') {
      throw notOne(text);
    }
    return c == '\\' ? codePoint(text, at + 1) : c;
  }

  private static int afterMember(String text, int at) {
    int begin = text.charAt(at) == '\\' ? at + 1 : at;
    return begin + Character.charCount(codePoint(text, begin));
  }

  private static int codePoint(String text, int at) {
    if (at >= text.length()) {
      throw notOne(text);
    }
    return text.codePointAt(at);
  }

  private static IllegalArgumentException notOne(String text) {
    return new IllegalArgumentException(
        "not a pattern of file names (as *.db or tenant-[0-9]?.sqlite): \"" + text + "\"");
  }
}
