package dev.sluice.cli;

import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.ReplicatorListener;
import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.DaemonSettings;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.replicator.config.LoggingSettings;
import dev.sluice.replicator.config.SocketSettings;
import dev.sluice.replicator.control.Databases;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.daemon.Daemon;
import dev.sluice.replicator.daemon.Doors;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code sluice replicate}: ships the commits of live databases to their replicas, until a signal
 * comes or the child ends.
 */
@Command(
    name = "replicate",
    customSynopsis = {
      "sluice replicate [--config FILE] [--no-expand-env] [--exec COMMAND] [--once",
      "                 [--force-snapshot]] [--restore-if-db-not-exists] [--socket PATH]",
      "                 [--log-level LEVEL] [-v] [DB REPLICA]"
    },
    description = "Ship the commits of live databases to their replicas.")
final class ReplicateCommand implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(ReplicateCommand.class);
  private static final Duration ONCE_LOOK = Duration.ofMillis(200);
  private static final Duration ONCE_TROUBLE_LIMIT = Duration.ofSeconds(10);

  private final Terminal terminal;

  @Spec private @Nullable CommandSpec spec;

  @Mixin private final ConfigOptions configOptions = new ConfigOptions();

  @Option(
      names = {"-exec", "--exec"},
      paramLabel = "COMMAND",
      description = "Run the application as a child; end with it, and with its exit code.")
  private @Nullable String command;

  @Option(
      names = {"-once", "--once"},
      description = "Ship what is committed now, and end; without socket, metrics and heartbeat.")
  private boolean isOnce;

  @Option(
      names = {"-force-snapshot", "--force-snapshot"},
      description = "With --once: make a snapshot, too.")
  private boolean isSnapshotForced;

  @Option(
      names = {"-restore-if-db-not-exists", "--restore-if-db-not-exists"},
      description = "Restore a database that is not there, if its replica has one.")
  private boolean isRestoring;

  @Option(
      names = {"-socket", "--socket"},
      paramLabel = "PATH",
      description = "Be asked and told things on this socket.")
  private @Nullable Path socket;

  @Option(
      names = {"-log-level", "--log-level"},
      paramLabel = "LEVEL",
      description =
          "trace, debug, info, warn or error; counts before LOG_LEVEL and the configuration.")
  private @Nullable String logLevel;

  @Parameters(index = "0", arity = "0..1", paramLabel = "DB", description = "The database's path.")
  private @Nullable Path database;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "REPLICA",
      description = "A replica URL, or the directory that is to hold ltx/.")
  private @Nullable String replica;

  ReplicateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure {
    checkUsage();
    Configuration configuration = configuration();
    Optional<String> child =
        Optional.ofNullable(command).or(() -> configuration.daemon().command());
    if (isOnce && child.isPresent()) {
      throw wrongUsage("--once and --exec exclude each other");
    }
    if (configuration.databases().isEmpty() && configuration.directories().isEmpty()) {
      throw new Failure("replicate", configOptions.name(terminal) + " names no database");
    }
    LogSetup.apply(logging(configuration.daemon().logging()));
    configuration.warnings().forEach(log::warn);
    try {
      return replicate(configuration, child);
    } catch (IOException e) {
      throw new Failure("replicate", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("replicate", "interrupted");
    }
  }

  private int replicate(Configuration configuration, Optional<String> child)
      throws Failure, IOException, InterruptedException {
    try (StopSignals signals = StopSignals.listen()) {
      Ends ends = new Ends(signals);
      Daemon daemon = Daemon.of(configuration, terminal.environment(), ends);
      int exitCode = run(daemon, configuration, child, new Run(signals, ends));
      if (child.isEmpty()) {
        requireWell(daemon.databases());
      }
      return exitCode;
    }
  }

  private int run(Daemon daemon, Configuration configuration, Optional<String> child, Run run)
      throws Failure, IOException, InterruptedException {
    try (daemon) {
      if (isOnce) {
        begin(daemon, run.signals());
        try {
          once(daemon.replicator().databases(), run.signals());
        } catch (IOException e) {
          daemon.abandon(); // it was waited for long enough
          throw e;
        }
        return ExitCode.DONE;
      }
      // First of all: an address that is taken is known before anything is done.
      Doors doors = Doors.open(daemon, settings(configuration), VersionCommand.ownVersion());
      try {
        return serve(daemon, configuration, child, run);
      } finally {
        doors.close();
      }
    }
  }

  /** What ends a run. */
  private record Run(StopSignals signals, Ends ends) {}

  private DaemonSettings settings(Configuration configuration) {
    DaemonSettings settings = configuration.daemon();
    Path own = socket;
    return own == null
        ? settings
        : settings.withSocket(new SocketSettings(true, own, settings.socket().mode()));
  }

  /** Begins, waits for a signal or for the child's end, and returns the exit code. */
  private static int serve(
      Daemon daemon, Configuration configuration, Optional<String> child, Run run)
      throws Failure, IOException, InterruptedException {
    try {
      begin(daemon, run.signals());
    } catch (IOException e) {
      if (!run.signals().isStopped()) {
        throw e;
      }
      log.info("a signal came before it began", e);
      return ExitCode.DONE;
    }
    // An application that is our child goes on without us.
    if (configuration.directories().isEmpty() && child.isEmpty()) {
      run.ends().expect(daemon.databases());
    }
    if (child.isPresent() && !run.signals().isStopped()) {
      return runChild(child.get(), run.signals());
    }
    String unused = run.signals().await();
    return ExitCode.DONE;
  }

  /** What is restored first may take hours: a signal ends it. */
  private static void begin(Daemon daemon, StopSignals signals)
      throws IOException, InterruptedException {
    CompletableFuture<Void> begun = new CompletableFuture<>();
    Thread beginning =
        new Thread(
            () -> {
              try {
                daemon.begin();
                begun.complete(null);
              } catch (IOException | RuntimeException e) {
                begun.completeExceptionally(e);
              }
            },
            "sluice-begin");
    beginning.start();
    CompletableFuture<Void> unused = signals.first().thenRun(beginning::interrupt);
    try {
      begun.get();
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  private static IOException failure(ExecutionException e) {
    return e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
  }

  private void checkUsage() {
    if (database != null && replica == null) {
      throw wrongUsage("a REPLICA must follow " + database);
    }
    if (database != null && configOptions.isGiven()) {
      throw wrongUsage("--config and DB REPLICA exclude each other");
    }
    if (isOnce && socket != null) {
      throw wrongUsage("--once and --socket exclude each other");
    }
    if (isSnapshotForced && !isOnce) {
      throw wrongUsage("--force-snapshot is for --once");
    }
  }

  private LoggingSettings logging(LoggingSettings configured) {
    String level = logLevel;
    if (level == null) {
      return configured;
    }
    try {
      return configured.withLevel(level);
    } catch (IllegalArgumentException e) {
      throw wrongUsage("--log-level: " + e.getMessage());
    }
  }

  private ParameterException wrongUsage(String why) {
    CommandLine used = Optional.ofNullable(spec).orElseThrow().commandLine();
    return new ParameterException(used, why);
  }

  private Configuration configuration() throws Failure {
    Path path = database;
    String place = replica;
    if (path == null || place == null) {
      Configuration read = configOptions.read(terminal);
      return isRestoring ? read.restoringIfMissing() : read;
    }
    if (isOnce && !isRestoring && !Files.isRegularFile(path)) {
      throw new Failure("replicate " + path, "there is no such file");
    }
    try {
      DatabaseEntry entry = DatabaseEntry.of(path, ReplicaUrl.parse(place));
      return Configuration.of(isRestoring ? entry.restoringIfMissing() : entry);
    } catch (IllegalArgumentException e) {
      throw new Failure("open the replica", e);
    }
  }

  private void once(Collection<ReplicatedDatabase> databases, StopSignals signals)
      throws IOException, InterruptedException {
    for (ReplicatedDatabase one : databases) {
      if (!Files.isRegularFile(one.path())) {
        throw new IOException(one.path() + ": there is no such file");
      }
      await(one.sync(), one, signals);
      if (isSnapshotForced) {
        await(one.snapshot(), one, signals);
      }
    }
  }

  /** Waits for as long as it takes, but not for a trouble that stays. */
  private static void await(
      CompletableFuture<?> done, ReplicatedDatabase database, StopSignals signals)
      throws IOException, InterruptedException {
    long wellNanos = System.nanoTime();
    while (true) {
      try {
        done.get(ONCE_LOOK.toNanos(), TimeUnit.NANOSECONDS);
        return;
      } catch (ExecutionException e) {
        throw failure(e);
      } catch (TimeoutException e) {
        DatabaseStatus status = database.status();
        Optional<String> trouble = status.trouble();
        wellNanos = trouble.isPresent() ? wellNanos : System.nanoTime();
        boolean isGivenUp = status.phase() == DatabaseStatus.Phase.STOPPED;
        if (signals.isStopped()) {
          throw new IOException(database.path() + ": a signal came before it was done", e);
        }
        if (isGivenUp || System.nanoTime() - wellNanos > ONCE_TROUBLE_LIMIT.toNanos()) {
          String why = trouble.orElse("it is not replicated any more");
          throw new IOException(named(database.path(), why), e);
        }
      }
    }
  }

  /** Whatever becomes of the last upload, the exit code is the child's. */
  private static int runChild(String child, StopSignals signals)
      throws Failure, InterruptedException {
    ChildCommand running = ChildCommand.start(child);
    signals.onAbort(running::kill);
    running.onEnd(signals::stop);
    running.passOn(signals.await());
    return running.await();
  }

  /** One that was stopped is well if all of it was shipped before. */
  private static void requireWell(Databases databases) throws IOException {
    List<String> troubles = new ArrayList<>();
    for (Registered one : databases.all()) {
      ReplicatedDatabase last = one.last();
      Optional<String> trouble = one.isStopped() ? Optional.empty() : last.status().trouble();
      trouble.or(last::unshipped).ifPresent(why -> troubles.add(named(one.path(), why)));
    }
    if (!troubles.isEmpty()) {
      throw new IOException(String.join("; ", troubles));
    }
  }

  private static String named(Path database, String why) {
    return why.startsWith(database + ":") ? why : database + ": " + why;
  }

  /** Ends the process when a person must look at every one of its databases. */
  private static final class Ends implements ReplicatorListener {
    private final StopSignals signals;
    private volatile Optional<Databases> expected = Optional.empty();

    Ends(StopSignals signals) {
      this.signals = signals;
    }

    void expect(Databases databases) {
      expected = Optional.of(databases);
      check();
    }

    @Override
    public void onStatus(DatabaseStatus status) {
      check();
    }

    /** One that somebody has stopped may be started again. */
    private void check() {
      List<Registered> all = expected.map(Databases::all).orElse(List.of());
      boolean isOver =
          !all.isEmpty() && all.stream().noneMatch(one -> one.isStopped() || one.isOpen());
      if (isOver) {
        signals.stop();
      }
    }
  }
}
