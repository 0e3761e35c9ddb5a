package dev.sluice.replicator.config;

import dev.sluice.storage.ReplicaClients;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What the parts of one reading share: the text, what it may refer to, and what is to be said of
 * it. Confined to one thread at a time.
 */
final class Reading {
  private final ConfigText text;
  private final Surroundings surroundings;
  private final Set<String> storages = ReplicaClients.schemes();
  private final List<String> warnings = new ArrayList<>();
  private final Set<String> warned = new HashSet<>();

  Reading(ConfigText text, Surroundings surroundings) {
    this.text = text;
    this.surroundings = surroundings;
  }

  ConfigText text() {
    return text;
  }

  Surroundings surroundings() {
    return surroundings;
  }

  /** Returns the types of replica for which there is a storage. */
  Set<String> storages() {
    return storages;
  }

  /** Notes that a key has no effect, once for each key however often it is given. */
  void warn(int line, String key, String why) {
    if (warned.add(key)) {
      warnings.add(text.origin(line) + ": \"" + key + "\" has no effect: " + why);
    }
  }

  List<String> warnings() {
    return warnings;
  }

  ConfigException wrong(int line, String why) {
    return text.wrong(line, why);
  }

  /**
   * Returns the absolute path that a user wrote: {@code ~} is the home directory, and a path may
   * begin like the URL of a database driver, {@code sqlite://} or {@code sqlite3://}.
   */
  Path path(Setting<String> setting) throws ConfigException {
    String written = setting.value().replaceFirst("^sqlite3?://", "");
    try {
      if (written.equals("~")) {
        return surroundings.home();
      } else if (written.startsWith("~/")) {
        return surroundings.home().resolve(written.substring(2)).normalize();
      }
      return surroundings.directory().resolve(written).normalize();
    } catch (InvalidPathException e) {
      throw wrong(setting.line(), "there can be no such path: \"" + written + "\"");
    }
  }
}
