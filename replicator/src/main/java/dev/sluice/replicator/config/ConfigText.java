package dev.sluice.replicator.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The text of a configuration with its variables expanded, and the way back to the lines that the
 * user wrote. Immutable.
 *
 * <p>Variables are expanded before YAML is read, as Litestream does: a value may have any YAML in
 * it. The rules are those of Go's {@code os.Expand}.
 */
final class ConfigText {
  private static final String SPECIAL = "*#$@!?-0123456789";

  private final String name;
  private final String expanded;

  /** The original line of each line of the expanded text, both from 1; element 0 is unused. */
  private final List<Integer> originalLines;

  /** Names of variables that are not set, by original line. */
  private final Map<Integer, Set<String>> unset;

  private ConfigText(
      String name, String expanded, List<Integer> originalLines, Map<Integer, Set<String>> unset) {
    this.name = name;
    this.expanded = expanded;
    this.originalLines = originalLines;
    this.unset = unset;
  }

  /** Returns a text in which a {@code $} is a {@code $}. */
  static ConfigText literal(String name, String text) {
    return new ConfigText(name, text, List.of(), Map.of());
  }

  /** Returns a text in which {@code $NAME} and {@code ${NAME}} stand for variables. */
  static ConfigText expand(String name, String text, Surroundings surroundings) {
    return new Expansion(name, text, surroundings).run();
  }

  String expanded() {
    return expanded;
  }

  /** Returns the line of the file for a line of the expanded text. */
  int original(int line) {
    return line < originalLines.size() ? originalLines.get(line) : line;
  }

  /** Returns the line of the expanded text in which a character stands. */
  int lineAt(int index) {
    int end = Math.max(0, Math.min(index, expanded.length()));
    return 1 + (int) expanded.chars().limit(end).filter(c -> c == '\n').count();
  }

  /** Returns the place of a line of the expanded text. */
  Origin origin(int line) {
    return new Origin(name, original(line));
  }

  /** Returns what to throw for something wrong on a line of the expanded text. */
  ConfigException wrong(int line, String why) {
    return new ConfigException(origin(line), why);
  }

  /** Returns a remark if variables on a line are not set; else nothing. */
  String unsetRemark(int line) {
    Set<String> names = unset.getOrDefault(original(line), Set.of());
    return names.isEmpty() ? "" : " ($" + String.join(", $", names) + " is not set)";
  }

  /** One pass over a text. */
  private static final class Expansion {
    private final String name;
    private final String text;
    private final Surroundings surroundings;
    private final StringBuilder expanded = new StringBuilder();
    private final List<Integer> originalLines = new ArrayList<>(List.of(0, 1));
    private final Map<Integer, Set<String>> unset = new LinkedHashMap<>();
    private int line = 1;

    Expansion(String name, String text, Surroundings surroundings) {
      this.name = name;
      this.text = text;
      this.surroundings = surroundings;
    }

    ConfigText run() {
      int i = 0;
      while (i < text.length()) {
        char c = text.charAt(i);
        if (c == '$' && i + 1 < text.length()) {
          i = variable(i + 1);
        } else {
          expanded.append(c);
          i++;
          if (c == '\n') {
            line++;
            originalLines.add(line);
          }
        }
      }
      return new ConfigText(name, expanded.toString(), originalLines, unset);
    }

    /** Takes the variable whose name begins at {@code start}; returns where what follows begins. */
    private int variable(int start) {
      char first = text.charAt(start);
      if (first == '{') {
        return braced(start);
      } else if (SPECIAL.indexOf(first) >= 0) {
        appendValue(String.valueOf(first));
        return start + 1;
      }
      int end = start;
      while (end < text.length() && isNamePart(text.charAt(end))) {
        end++;
      }
      if (end == start) {
        expanded.append('$');
      } else {
        appendValue(text.substring(start, end));
      }
      return end;
    }

    private int braced(int start) {
      int close = text.indexOf('}', start);
      if (close < 0) {
        return start + 1; // as Go does: the two characters vanish
      }
      if (close > start + 1) {
        String variable = text.substring(start + 1, close);
        appendValue(variable);
        line += (int) variable.chars().filter(c -> c == '\n').count();
      }
      return close + 1;
    }

    private static boolean isNamePart(char c) {
      return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    private void appendValue(String variable) {
      String value =
          variable.equals("PID")
              ? Long.toString(surroundings.pid())
              : surroundings
                  .environment()
                  .get(variable)
                  .orElseGet(
                      () -> {
                        unset.computeIfAbsent(line, at -> new LinkedHashSet<>()).add(variable);
                        return "";
                      });
      expanded.append(value);
      value.chars().filter(c -> c == '\n').forEach(newline -> originalLines.add(line));
    }
  }
}
