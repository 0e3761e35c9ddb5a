package dev.sluice.replicator.config;

import dev.sluice.replicator.config.Value.Entry;
import dev.sluice.replicator.config.Value.Mapping;
import dev.sluice.replicator.config.Value.Scalar;
import dev.sluice.replicator.config.Value.Sequence;
import dev.sluice.storage.text.Durations;
import dev.sluice.storage.text.Sizes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One mapping of the file, its keys known and its values well-formed. Immutable.
 *
 * <p>A key without a value, or with an empty one, is one that is not given: so is a variable that
 * is not set, as for Litestream.
 */
final class Section {
  /** Names for what only anchors are put on, at the top level. */
  private static final String EXTENSION = "x-";

  private static final Set<String> TRUE = Set.of("true", "yes", "on", "y");
  private static final Set<String> FALSE = Set.of("false", "no", "off", "n");
  private static final Pattern UNIT_CUT = Pattern.compile("(?i).*[0-9]\\s*[kmgt]i?");
  private static final int MODE_MAX = 0777;

  private final Reading reading;
  private final Scope scope;
  private final Mapping mapping;

  /**
   * @throws ConfigException if a key is not known here or is refused, or a value is not of its kind
   */
  Section(Reading reading, Scope scope, Mapping mapping) throws ConfigException {
    this.reading = reading;
    this.scope = scope;
    this.mapping = mapping;
    for (Map.Entry<String, Entry> entry : mapping.entries().entrySet()) {
      check(entry.getKey(), entry.getValue());
    }
  }

  /** Returns a section without keys. */
  static Section empty(Reading reading, Scope scope, int line) {
    try {
      return new Section(reading, scope, new Mapping(Map.of(), line));
    } catch (ConfigException e) {
      throw new IllegalStateException(e);
    }
  }

  Mapping mapping() {
    return mapping;
  }

  int line() {
    return mapping.line();
  }

  private void check(String name, Entry entry) throws ConfigException {
    if (scope == Scope.TOP && name.startsWith(EXTENSION)) {
      return;
    }
    Optional<Key> known = Keys.find(scope, name);
    if (known.isEmpty()) {
      throw wrong(entry, "unknown key \"" + name + "\" in " + scope + Keys.suggestion(scope, name));
    }
    Key key = known.get();
    if (!checkKind(key, entry)) {
      return;
    }
    if (key.effect() == Effect.REFUSED) {
      throw wrong(entry, key.path() + ": " + key.reason());
    } else if (key.effect() == Effect.NO_EFFECT) {
      reading.warn(entry.line(), key.path(), key.reason());
    }
  }

  /** Returns whether a value is given. */
  private boolean checkKind(Key key, Entry entry) throws ConfigException {
    String name = key.name();
    return switch (key.kind()) {
      case TEXT, SECRET -> text(name).isPresent();
      case DURATION, POSITIVE_DURATION -> duration(name).isPresent();
      case SIZE -> size(name).isPresent();
      case COUNT, POSITIVE_COUNT, INTEGER -> integer(name).isPresent();
      case MODE -> mode(name).isPresent();
      case FLAG -> flag(name).isPresent();
      case TEXTS -> !texts(name, entry).isEmpty();
      case SECTION -> mappingOf(name).isPresent();
      case SECTIONS -> !mappingsOf(name).isEmpty();
    };
  }

  private ConfigException wrong(Entry entry, String why) {
    return reading.wrong(entry.line(), why);
  }

  /** Returns what to throw for a value that is not of its kind. */
  private ConfigException bad(String name, Entry entry, String why) {
    return wrong(entry, path(name) + ": " + why + reading.text().unsetRemark(entry.line()));
  }

  Optional<Setting<String>> text(String name) throws ConfigException {
    Optional<Scalar> scalar = scalar(name);
    return scalar
        .filter(value -> !value.text().isEmpty())
        .map(value -> new Setting<>(value.text(), entry(name).line()));
  }

  Optional<Setting<Duration>> duration(String name) throws ConfigException {
    Optional<Setting<String>> text = text(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Entry entry = entry(name);
    Duration duration;
    try {
      duration = Durations.parse(text.get().value());
    } catch (IllegalArgumentException e) {
      throw bad(name, entry, String.valueOf(e.getMessage()));
    }
    if (duration.toMillis() < 1 && kind(name) == Kind.POSITIVE_DURATION) {
      throw bad(name, entry, "is 1ms or more (as 30s): \"" + text.get().value() + "\"");
    }
    return Optional.of(new Setting<>(duration, entry.line()));
  }

  /** Litestream takes {@code K}, {@code Mi} and the like for {@code KB}, {@code MiB}. */
  Optional<Setting<Long>> size(String name) throws ConfigException {
    Optional<Setting<String>> text = text(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    String value = text.get().value().strip();
    try {
      long bytes = Sizes.parse(UNIT_CUT.matcher(value).matches() ? value + "B" : value);
      return Optional.of(new Setting<>(bytes, text.get().line()));
    } catch (IllegalArgumentException e) {
      throw bad(
          name,
          entry(name),
          "not a size (bytes, or as 5MB or 5MiB): \"" + text.get().value() + "\"");
    }
  }

  Optional<Setting<Integer>> integer(String name) throws ConfigException {
    Optional<Setting<String>> text = text(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    int least =
        switch (kind(name)) {
          case COUNT -> 0;
          case POSITIVE_COUNT -> 1;
          default -> Integer.MIN_VALUE;
        };
    String value = text.get().value();
    try {
      int number = Integer.decode(value.strip().replace("_", "").replaceFirst("^0[oO]", "0"));
      if (number >= least) {
        return Optional.of(new Setting<>(number, text.get().line()));
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    String form =
        switch (kind(name)) {
          case COUNT -> "a whole number, 0 or more";
          case POSITIVE_COUNT -> "a whole number, 1 or more";
          default -> "a whole number";
        };
    throw bad(name, entry(name), "not " + form + ": \"" + value + "\"");
  }

  /** In YAML a number is octal if it begins with 0; one that does not is a slip. */
  Optional<Setting<Integer>> mode(String name) throws ConfigException {
    Optional<Setting<String>> text = text(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    String digits = text.get().value().strip();
    if (digits.matches("0[oO]?[0-7]{1,6}")) {
      int mode = Integer.parseInt(digits.replaceFirst("[oO]", ""), 8);
      if (mode <= MODE_MAX) {
        return Optional.of(new Setting<>(mode, text.get().line()));
      }
    }
    String value = text.get().value();
    throw bad(name, entry(name), "not a file mode in octal (as 0600): \"" + value + "\"");
  }

  Optional<Setting<Boolean>> flag(String name) throws ConfigException {
    Optional<Setting<String>> text = text(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    String value = text.get().value();
    String word = value.strip().toLowerCase(Locale.ROOT);
    if (!TRUE.contains(word) && !FALSE.contains(word)) {
      throw bad(name, entry(name), "neither true nor false: \"" + value + "\"");
    }
    return Optional.of(new Setting<>(TRUE.contains(word), text.get().line()));
  }

  /** Returns one of the words that a key may have; upper and lower case are the same. */
  <E extends Enum<E>> Optional<E> word(String name, Class<E> words) throws ConfigException {
    Optional<Setting<String>> text = text(name);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Optional<E> word = Words.find(words, text.get().value());
    if (word.isEmpty()) {
      throw bad(name, entry(name), Words.notOne(words, text.get().value()));
    }
    return word;
  }

  /** Returns the section under a key. */
  Optional<Section> section(String name, Scope inner) throws ConfigException {
    Optional<Mapping> value = mappingOf(name);
    return value.isEmpty()
        ? Optional.empty()
        : Optional.of(new Section(reading, inner, value.get()));
  }

  /** Returns the sections in the list under a key; none if it is not given. */
  List<Section> sections(String name, Scope inner) throws ConfigException {
    List<Section> sections = new ArrayList<>();
    for (Mapping one : mappingsOf(name)) {
      sections.add(new Section(reading, inner, one));
    }
    return sections;
  }

  /** Returns whether there is a list under the key. */
  boolean isList(String name) {
    return has(name) && entry(name).value() instanceof Sequence;
  }

  /** Returns the line of a key, or that of the section where it is not there. */
  int lineOf(String name) {
    return has(name) ? entry(name).line() : mapping.line();
  }

  /** Returns whether the key is there, with or without a value. */
  boolean has(String name) {
    return mapping.entries().containsKey(name);
  }

  private List<String> texts(String name, Entry entry) throws ConfigException {
    if (entry.value() instanceof Sequence list) {
      List<String> texts = new ArrayList<>();
      for (Value item : list.items()) {
        if (!(item instanceof Scalar scalar)) {
          throw wrong(entry, name + ": a list of single values is expected");
        }
        texts.add(scalar.text());
      }
      return texts;
    }
    return text(name).map(one -> List.of(one.value())).orElse(List.of());
  }

  private Optional<Scalar> scalar(String name) throws ConfigException {
    if (!has(name)) {
      return Optional.empty();
    }
    Entry entry = entry(name);
    if (!(entry.value() instanceof Scalar scalar)) {
      throw expected("a single value", name, entry, entry.value());
    }
    return Optional.of(scalar).filter(value -> !value.isNull());
  }

  private Optional<Mapping> mappingOf(String name) throws ConfigException {
    if (!has(name)) {
      return Optional.empty();
    }
    Entry entry = entry(name);
    return mapping(name, entry, entry.value());
  }

  private Optional<Mapping> mapping(String name, Entry entry, Value value) throws ConfigException {
    if (value instanceof Mapping inner) {
      return Optional.of(inner);
    } else if (value instanceof Scalar scalar && scalar.isNull()) {
      return Optional.empty();
    }
    throw expected("a mapping", name, entry, value);
  }

  private List<Mapping> mappingsOf(String name) throws ConfigException {
    if (!has(name)) {
      return List.of();
    }
    Entry entry = entry(name);
    if (entry.value() instanceof Scalar scalar && scalar.isNull()) {
      return List.of();
    }
    if (!(entry.value() instanceof Sequence list)) {
      throw expected("a list", name, entry, entry.value());
    }
    List<Mapping> mappings = new ArrayList<>();
    for (Value item : list.items()) {
      Optional<Mapping> mapping = mapping(name, new Entry(item, item.line()), item);
      if (mapping.isEmpty()) {
        throw reading.wrong(item.line(), name + ": an item of the list is empty");
      }
      mappings.add(mapping.get());
    }
    return mappings;
  }

  private ConfigException expected(String what, String name, Entry entry, Value value) {
    return wrong(entry, path(name) + ": " + what + " is expected, not " + value.kind());
  }

  private String path(String name) {
    return Keys.find(scope, name).orElseThrow().path();
  }

  private Kind kind(String name) {
    return Keys.find(scope, name).orElseThrow().kind();
  }

  private Entry entry(String name) {
    return Optional.ofNullable(mapping.entries().get(name)).orElseThrow();
  }
}
