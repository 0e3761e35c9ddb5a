package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.replicator.config.ConfigurationFile.Variables;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** A configuration's text, read in surroundings that are the same on every machine. */
final class Given {
  static final String NAME = "litestream.yml";

  private Given() {}

  static Surroundings surroundings(Map<String, String> variables) {
    return new Surroundings(
        name -> Optional.ofNullable(variables.get(name)),
        Path.of("/home/ada"),
        Path.of("/srv"),
        4711);
  }

  static Configuration read(String text) {
    return read(text, Map.of());
  }

  static Configuration read(String text, Map<String, String> variables) {
    try {
      return ConfigurationFile.parse(NAME, text, Variables.EXPANDED, surroundings(variables));
    } catch (ConfigException e) {
      throw new AssertionError(e.getMessage() + "\n" + text, e);
    }
  }

  /** Returns the message of the refusal. */
  static String refusal(String text) {
    return refusal(text, Map.of());
  }

  static String refusal(String text, Map<String, String> variables) {
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () -> ConfigurationFile.parse(NAME, text, Variables.EXPANDED, surroundings(variables)),
            text);
    return String.valueOf(refused.getMessage());
  }

  /** Returns the one database of a configuration. */
  static DatabaseEntry database(String text) {
    return read(text).databases().get(0);
  }

  /** Returns the replica of a database whose section has these lines. */
  static ReplicaEntry replica(String... lines) {
    return database(withReplica("", lines)).replica();
  }

  /** Returns a configuration with one database, after {@code top}. */
  static String withReplica(String top, String... lines) {
    return top + "dbs:\n- path: /a.db\n  replica:\n    " + String.join("\n    ", lines) + "\n";
  }
}
