package dev.sluice.replicator.config;

import dev.sluice.storage.Environment;
import java.nio.file.Path;

/**
 * What a configuration may refer to beside its own text; passed in so that a test can give its own.
 * Immutable.
 *
 * @param environment the variables that {@code $NAME} stands for
 * @param home the directory that {@code ~} stands for
 * @param directory where relative paths begin
 * @param pid what {@code $PID} stands for
 */
public record Surroundings(Environment environment, Path home, Path directory, long pid) {

  /** Returns those of this process. */
  public static Surroundings ofProcess(Environment environment) {
    return new Surroundings(
        environment,
        Path.of(System.getProperty("user.home", "/")),
        Path.of("").toAbsolutePath(),
        ProcessHandle.current().pid());
  }
}
