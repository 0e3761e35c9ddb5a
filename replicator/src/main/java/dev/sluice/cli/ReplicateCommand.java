package dev.sluice.cli;

import dev.sluice.replicator.Replication;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
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
  private static final Duration SYNC_INTERVAL = Duration.ofSeconds(1);
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
    if (!Files.isRegularFile(path)) {
      throw new Failure("replicate " + path, "there is no such file");
    }
    try (ReplicaClient client = open()) {
      Replication replication = new Replication(path, client, SYNC_INTERVAL);
      if (isOnce) {
        replication.once();
      } else {
        run(replication);
      }
      return ExitCode.DONE;
    } catch (IOException e) {
      throw new Failure("replicate " + path, e);
    }
  }

  private ReplicaClient open() throws Failure {
    try {
      return ReplicaClients.open(ReplicaUrl.parse(replica), terminal.environment());
    } catch (IllegalArgumentException e) {
      throw new Failure("open the replica", e);
    }
  }

  /** A signal ends it: the JVM waits for its hooks, and this one for the last upload. */
  private static void run(Replication replication) throws IOException {
    Thread running = Thread.currentThread();
    Thread hook =
        new Thread(
            () -> {
              replication.stop();
              try {
                running.join(END_LIMIT.toMillis());
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "replicate-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    replication.run();
  }
}
