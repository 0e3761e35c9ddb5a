package dev.sluice.cli;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.replicator.spool.SpoolGlance;
import dev.sluice.replicator.spool.SpoolRemoval;
import dev.sluice.replicator.spool.SpoolSetup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code sluice reset}: removes a spool, so that replication begins anew after what is there. */
@Command(
    name = "reset",
    customSynopsis = "sluice reset [--config FILE] [--no-expand-env] [-v] DB",
    description =
        "Remove a database's spool: the next start goes on from the newest TXID of the replica,"
            + " with an image of the whole database.")
final class ResetCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private final ConfigOptions configOptions = new ConfigOptions();

  @Parameters(index = "0", paramLabel = "DB", description = "The database's path.")
  private @Nullable Path database;

  ResetCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure, IOException {
    Path path = Optional.ofNullable(database).orElseThrow().toAbsolutePath().normalize();
    Path meta =
        configOptions
            .readIfThere(terminal)
            .flatMap(configuration -> configuration.database(path))
            .map(DatabaseEntry::metaPath)
            .orElse(DatabaseSettings.of(path).metaPath());
    try {
      terminal.out().println(reset(path, meta));
    } catch (Output.WriteException e) {
      throw e;
    } catch (IOException e) {
      throw new Failure("reset " + path, e);
    }
    return ExitCode.DONE;
  }

  /** What the spool of a database holds whose file is gone may be nowhere else: it is kept. */
  private static String reset(Path database, Path meta) throws IOException {
    if (!Files.exists(database) && SpoolGlance.holdsCommits(meta)) {
      Path aside = SpoolRemoval.setAside(meta, SpoolSetup.of(InstantSource.system()));
      return database + " is gone: what its spool holds lies in " + aside + " now";
    }
    if (!SpoolRemoval.remove(meta)) {
      throw new IOException("there is no spool in " + meta);
    }
    return "removed the spool of " + database;
  }
}
