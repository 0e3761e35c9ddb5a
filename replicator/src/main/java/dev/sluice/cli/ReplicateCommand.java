package dev.sluice.cli;

import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.ReplicatorListener;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice replicate}: ships the commits of a live database to a replica. */
@Command(
    name = "replicate",
    customSynopsis = {"sluice replicate [-once] [-v] DB REPLICA"},
    description = "Ship the commits of a live database to a replica, until a signal comes.")
final class ReplicateCommand implements Callable<Integer> {
  private static final Duration ONCE_LIMIT = Duration.ofDays(7);
  private static final Duration END_LIMIT = Duration.ofSeconds(30);

  private final Terminal terminal;

  @Option(
      names = {"-once", "--once"},
      description = "Ship what is committed now, and end.")
  private boolean isOnce;

  @Parameters(index = "0", paramLabel = "DB", description = "The database's path.")
  private @Nullable Path database;

  @Parameters(
      index = "1",
      paramLabel = "REPLICA",
      description = "A replica URL, or the directory that is to hold ltx/.")
  private String replica = "";

  ReplicateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure {
    Path path = Optional.ofNullable(database).orElseThrow();
    String doing = "replicate " + path;
    if (isOnce && !Files.isRegularFile(path)) {
      throw new Failure(doing, "there is no such file");
    }
    StopSignals signals = StopSignals.listen();
    Replicator replicator =
        Replicator.builder()
            .environment(terminal.environment())
            .endLimit(END_LIMIT)
            .listener(new Stopped(signals))
            .start();
    ReplicatedDatabase replicated;
    try (replicator) {
      replicated = add(replicator, path);
      if (isOnce) {
        replicated.syncAndWait(ONCE_LIMIT);
      } else {
        signals.await();
      }
    } catch (IOException e) {
      throw new Failure(doing, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure(doing, "interrupted");
    }
    Optional<String> trouble = replicated.status().trouble();
    if (trouble.isPresent()) {
      throw new Failure(doing, trouble.get());
    }
    return ExitCode.DONE;
  }

  private ReplicatedDatabase add(Replicator replicator, Path path) throws Failure {
    try {
      return replicator.add(path, ReplicaUrl.parse(replica));
    } catch (IllegalArgumentException e) {
      throw new Failure("open the replica", e);
    }
  }

  /** Ends the process when a person must look at its only database. */
  private record Stopped(StopSignals signals) implements ReplicatorListener {
    @Override
    public void onStatus(DatabaseStatus status) {
      if (status.phase() == DatabaseStatus.Phase.STOPPED) {
        signals.stop();
      }
    }
  }
}
