package dev.sluice.cli;

import dev.sluice.replicator.config.ConfigException;
import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.ConfigurationFile;
import dev.sluice.replicator.config.ConfigurationFile.Variables;
import dev.sluice.replicator.config.Surroundings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which configuration a command reads, and how. */
final class ConfigOptions {

  @Option(
      names = {"--config", "-config"},
      paramLabel = "FILE",
      description = "The configuration; LITESTREAM_CONFIG, or /etc/litestream.yml, by default.")
  private @Nullable String file;

  @Option(
      names = {"--no-expand-env", "-no-expand-env"},
      description = "Leave $NAME in the configuration as it is.")
  private boolean isLiteral;

  /** Returns whether the user named a file. */
  boolean isGiven() {
    return file != null;
  }

  /** Returns the file's name, for messages. */
  String name(Terminal terminal) {
    return Optional.ofNullable(file)
        .orElseGet(() -> ConfigurationFile.defaultName(terminal.environment()));
  }

  /** Reads the file that was named, or the default one. */
  Configuration read(Terminal terminal) throws Failure {
    try {
      return ConfigurationFile.read(
          name(terminal),
          isLiteral ? Variables.LITERAL : Variables.EXPANDED,
          Surroundings.ofProcess(terminal.environment()));
    } catch (ConfigException e) {
      throw new Failure("read " + e.origin(), e.why(), e);
    }
  }

  /** Reads the file that was named, or the default one if it is there. */
  Optional<Configuration> readIfThere(Terminal terminal) throws Failure {
    return isGiven() || Files.exists(Path.of(name(terminal)))
        ? Optional.of(read(terminal))
        : Optional.empty();
  }
}
