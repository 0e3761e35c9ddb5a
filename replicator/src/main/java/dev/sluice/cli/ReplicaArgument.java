package dev.sluice.cli;

import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The replica that a command's argument means: a URL, the directory that holds {@code ltx/}, or the
 * path of a database that the configuration names. Immutable.
 *
 * <p>A directory that is there is a replica whatever the configuration says, which is then not even
 * read; no database is a directory.
 *
 * @param environment where its client finds credentials: those of the configuration come first
 * @param database the one that was named, if it was
 */
record ReplicaArgument(ReplicaUrl url, Environment environment, Optional<DatabaseEntry> database) {

  /** What help says of it. */
  static final String DESCRIPTION =
      "A replica URL, the directory that holds ltx/, or the path of a configured database.";

  /** Reads a replica that is no configured database. */
  private interface UrlReader {
    ReplicaUrl read(String argument) throws Failure;
  }

  /** Returns what the user means. */
  static ReplicaArgument of(String argument, ConfigOptions options, Terminal terminal)
      throws Failure {
    return of(argument, options, terminal, OpenedClient::url);
  }

  /** As the other; a directory need not be there. */
  static ReplicaArgument anywhere(String argument, ConfigOptions options, Terminal terminal)
      throws Failure {
    return of(argument, options, terminal, OpenedClient::parsed);
  }

  private static ReplicaArgument of(
      String argument, ConfigOptions options, Terminal terminal, UrlReader urls) throws Failure {
    Optional<Path> path = path(argument);
    if (path.isEmpty() || Files.isDirectory(path.get())) {
      return new ReplicaArgument(urls.read(argument), terminal.environment(), Optional.empty());
    }
    Optional<Configuration> configuration = options.readIfThere(terminal);
    Optional<DatabaseEntry> found =
        configuration.isEmpty() ? Optional.empty() : database(configuration.get(), path.get());
    if (found.isPresent()) {
      DatabaseEntry database = found.get();
      return new ReplicaArgument(
          database.replica().url(), database.replica().environment(terminal.environment()), found);
    } else if (configuration.isPresent()) {
      throw new Failure(
          "open " + argument,
          "it is no replica, and "
              + options.name(terminal)
              + " has no database of that path (a replica is the directory that holds ltx/, or a URL"
              + " such as s3://bucket/path)");
    }
    return new ReplicaArgument(urls.read(argument), terminal.environment(), Optional.empty());
  }

  private static Optional<DatabaseEntry> database(Configuration configuration, Path path)
      throws Failure {
    try {
      return configuration.database(path);
    } catch (IllegalArgumentException e) {
      throw new Failure("open " + path, e);
    }
  }

  /** Returns the path that a text is, if it is no URL. */
  private static Optional<Path> path(String argument) {
    if (argument.isEmpty() || argument.matches("(?s)file:.*|[A-Za-z][A-Za-z0-9+.-]+://.*")) {
      return Optional.empty();
    }
    try {
      return Optional.of(Path.of(argument));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}
