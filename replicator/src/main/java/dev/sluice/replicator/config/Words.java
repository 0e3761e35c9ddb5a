package dev.sluice.replicator.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The constants of an enum as users write them. */
final class Words {

  private Words() {}

  /** Returns the constant that a word names; upper and lower case are the same. */
  static <E extends Enum<E>> Optional<E> find(Class<E> words, String text) {
    String name = text.strip().toUpperCase(Locale.ROOT);
    // slog, whose words these are, has both.
    String known = name.equals("WARNING") ? "WARN" : name;
    return Arrays.stream(words.getEnumConstants())
        .filter(word -> word.name().equals(known))
        .findFirst();
  }

  /** Returns what is wrong with a word that names none, which is quoted. */
  static <E extends Enum<E>> String notOne(Class<E> words, String text) {
    String known =
        Arrays.stream(words.getEnumConstants())
            .map(word -> word.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    return "none of " + known + ": \"" + text + "\"";
  }
}
