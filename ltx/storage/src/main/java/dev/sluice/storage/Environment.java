package dev.sluice.storage;

import java.util.Optional;

/** The environment variables a client may look at; passed in so that a test can give its own. */
@FunctionalInterface
public interface Environment {

  /** Returns the variables of this process. */
  static Environment ofProcess() {
    return name -> Optional.ofNullable(System.getenv(name));
  }

  /** Returns the variable's value, or empty if it is not set. */
  Optional<String> get(String name);
}
