package dev.sluice.replicator.config;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A node of a YAML document, aliases and merge keys resolved. Immutable; one value may stand in
 * several places.
 */
sealed interface Value {

  /** Returns the line on which it begins, from 1. */
  int line();

  /** Returns what a user would call it. */
  String kind();

  /**
   * A single value.
   *
   * @param isPlain whether it stands without quotes
   */
  record Scalar(String text, boolean isPlain, int line) implements Value {
    private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");

    boolean isNull() {
      return isPlain && NULLS.contains(text);
    }

    @Override
    public String kind() {
      return "a single value";
    }
  }

  /** A list. */
  record Sequence(List<Value> items, int line) implements Value {
    @Override
    public String kind() {
      return "a list";
    }
  }

  /** A mapping; the keys are in the order of the document, merged ones last. */
  record Mapping(Map<String, Entry> entries, int line) implements Value {
    @Override
    public String kind() {
      return "a mapping";
    }
  }

  /**
   * A value under its key.
   *
   * @param line that of the key
   */
  record Entry(Value value, int line) {}
}
