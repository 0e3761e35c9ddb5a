package dev.sluice.cli;

import dev.sluice.cache.ViewException;
import dev.sluice.cache.restore.CopyFollower;
import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.cache.restore.StoreRestorer;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.storage.Listings;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.storage.text.Durations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code sluice restore}: a database file made from a replica; it appears whole and checked, or not
 * at all.
 */
@Command(
    name = "restore",
    customSynopsis = {
      "sluice restore [-o OUT] [--txid T | --timestamp T] [--integrity-check none|quick|full]",
      "                      [--force] [--if-db-not-exists] [--if-replica-exists]",
      "                      [-f [--follow-interval TIME] | --from-store] [--config FILE]",
      "                      [--no-expand-env] [--json] [-v] REPLICA"
    },
    description = "Make a database file from a replica.")
final class RestoreCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"-o", "--o"},
      paramLabel = "OUT",
      description = "The file to make; that of the configured database by default.")
  private @Nullable Path out;

  @Mixin private final ConfigOptions configOptions = new ConfigOptions();

  @Mixin private final TargetOptions targetOptions = new TargetOptions();

  @Option(
      names = {"--integrity-check", "-integrity-check"},
      paramLabel = "none|quick|full",
      defaultValue = "none",
      description = "Let SQLite check the result before it gets its name; none by default.")
  private String integrityCheck = "none";

  @Option(
      names = {"--force", "-force"},
      description = "Replace OUT if it exists.")
  private boolean isForced;

  @Option(
      names = {"--if-db-not-exists", "-if-db-not-exists"},
      description = "Do nothing, and succeed, if OUT exists.")
  private boolean isIfDbNotExists;

  @Option(
      names = {"--if-replica-exists", "-if-replica-exists"},
      description = "Do nothing, and succeed, if the replica has no files.")
  private boolean isIfReplicaExists;

  @Option(
      names = {"-f", "--f", "--follow", "-follow"},
      description = "Then keep OUT current, for readers only, until a signal comes.")
  private boolean isFollowed;

  @Option(
      names = {"--follow-interval", "-follow-interval"},
      paramLabel = "TIME",
      defaultValue = "1s",
      description = "How often to look for news; 1s by default.")
  private String followInterval = "1s";

  @Option(
      names = {"--from-store", "-from-store"},
      description = "Copy the hydrated page store of this host, without a request.")
  private boolean isFromStore;

  @Option(
      names = {"--parallelism", "-parallelism"},
      paramLabel = "N",
      hidden = true,
      description = "Has no effect: scripts for Litestream set it.")
  private int parallelism = 1;

  @Option(
      names = {"--json", "-json"},
      description = "Print a JSON object about the result.")
  private boolean isJson;

  @Parameters(paramLabel = "REPLICA", description = ReplicaArgument.DESCRIPTION)
  private String replica = "";

  RestoreCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure, IOException {
    CommandLine command = Optional.ofNullable(spec).orElseThrow().commandLine();
    check(command);
    if (parallelism < 1) {
      throw new ParameterException(command, "--parallelism: " + parallelism + " is not 1 or more");
    }
    Target target = targetOptions.target(command, Instant.now());
    Duration interval = interval(command);
    if (isFollowed && !target.equals(new Target.Latest())) {
      throw new ParameterException(
          command, "--follow is about the newest state: leave out --txid and --timestamp");
    }
    if (isFromStore && (isFollowed || isIfReplicaExists || !target.equals(new Target.Latest()))) {
      throw new ParameterException(
          command,
          "--from-store is about what is there: leave out --txid, --timestamp, --follow and"
              + " --if-replica-exists");
    }
    ReplicaArgument from =
        isIfReplicaExists
            ? ReplicaArgument.anywhere(replica, configOptions, terminal)
            : ReplicaArgument.of(replica, configOptions, terminal);
    Path file =
        Optional.ofNullable(out)
            .or(() -> from.database().map(DatabaseEntry::path))
            .orElseThrow(
                () ->
                    new ParameterException(
                        command, "-o OUT is required: REPLICA is no configured database"));
    if (isIfDbNotExists && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return nothingToDo("restore to " + file + ": it exists already, nothing is done");
    }
    if (isFollowed && !isForced && CopyFollower.isCopy(file)) {
      resume(from, file, interval);
      return ExitCode.DONE;
    }
    DatabasePlace place =
        RestoreOutput.place(
            file, isForced ? DatabasePlace.Existing.REPLACE : DatabasePlace.Existing.REFUSE);
    if (isIfReplicaExists && isReplicaEmpty(from)) {
      return nothingToDo("restore " + from.url().location() + ": it has no files, nothing is done");
    }
    if (isFromStore) {
      restoreFromStore(from, place);
    } else {
      restoreTo(from, place, target, interval);
    }
    return ExitCode.DONE;
  }

  private void restoreFromStore(ReplicaArgument from, DatabasePlace place)
      throws Failure, IOException {
    String location = from.url().location();
    StoreRestorer restorer = new StoreRestorer(StoreArgument.options(from.url()));
    publish(
        place,
        location,
        () -> {
          try {
            return restorer.restore(place);
          } catch (IOException e) {
            throw new Failure("restore " + location + " from its page store", e);
          }
        },
        result -> {});
  }

  /** For a person, or a script's log; JSON is only ever the result. */
  private int nothingToDo(String line) throws IOException {
    if (isJson) {
      terminal.err().println("sluice: " + line);
    } else {
      terminal.out().println(line);
    }
    return ExitCode.DONE;
  }

  private boolean isReplicaEmpty(ReplicaArgument from) throws Failure {
    try (OpenedClient client = OpenedClient.open(from)) {
      return Listings.all(client.within(terminal.openTimeout())).join().isEmpty();
    } catch (CompletionException e) {
      throw new Failure("list the files of " + from.url().location(), e);
    }
  }

  private Duration interval(CommandLine command) {
    try {
      Duration interval = Durations.parse(followInterval);
      if (interval.isZero()) {
        throw new IllegalArgumentException("it is not above 0");
      }
      return interval;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, "--follow-interval: " + e.getMessage(), e);
    }
  }

  private void resume(ReplicaArgument from, Path file, Duration interval)
      throws Failure, IOException {
    try (OpenedClient client = OpenedClient.open(from);
        Restorer restorer = restorer(client)) {
      Following following =
          new Following(terminal, client, restorer, file, new Following.Wishes(interval, isJson));
      following.resume();
    }
  }

  private void restoreTo(
      ReplicaArgument from, DatabasePlace place, Target target, Duration interval)
      throws Failure, IOException {
    try (OpenedClient client = OpenedClient.open(from);
        Restorer restorer = restorer(client)) {
      Optional<Following> following =
          isFollowed
              ? Optional.of(
                  new Following(
                      terminal,
                      client,
                      restorer,
                      place.file(),
                      new Following.Wishes(interval, isJson)))
              : Optional.empty();
      publish(
          place,
          client.location(),
          () -> restore(client.location(), restorer, target, place),
          result -> {
            if (following.isPresent()) {
              following.get().begin(place.staging(), result); // it replaces the record of a copy
            }
          });
      if (following.isPresent()) {
        following.get().run();
      }
    }
  }

  /** Makes the database at a place. */
  private interface Making {
    Restorer.Result run() throws Failure;
  }

  /** What is done just before the database gets its name. */
  private interface Last {
    void run(Restorer.Result result) throws Failure, IOException;
  }

  private void publish(DatabasePlace place, String location, Making making, Last last)
      throws Failure, IOException {
    Instant began = Instant.now();
    IntegrityCheck check = check(Optional.ofNullable(spec).orElseThrow().commandLine());
    Thread discard = new Thread(() -> discardQuietly(place), "restore-discard");
    Runtime.getRuntime().addShutdownHook(discard);
    try {
      Restorer.Result result = making.run();
      check.run(place.staging());
      RestoreOutput.requireFree(place);
      OldDatabase.settle(place);
      last.run(result);
      place.publish();
      if (isJson) {
        terminal.out().println(summary(place, location, result, began).toString());
      }
    } finally {
      forget(discard);
      place.close();
    }
  }

  private Restorer restorer(OpenedClient client) {
    return new Restorer(client.unretried(), new RequestMeter(), terminal.openTimeout());
  }

  /** A signal ends the program without unwinding this thread. */
  private static void discardQuietly(DatabasePlace place) {
    try {
      place.close();
    } catch (IOException e) {
      // What is left has a name that says what it is.
    }
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The program is ending, and the hook runs.
    }
  }

  private IntegrityCheck check(CommandLine command) {
    return switch (integrityCheck) {
      case "none" -> IntegrityCheck.NONE;
      case "quick" -> IntegrityCheck.QUICK;
      case "full" -> IntegrityCheck.FULL;
      default ->
          throw new ParameterException(
              command,
              "--integrity-check: \"" + integrityCheck + "\" is none of none, quick, full");
    };
  }

  private Restorer.Result restore(
      String location, Restorer restorer, Target target, DatabasePlace place) throws Failure {
    Progress progress = new Progress(terminal.err(), terminal.isInteractive(), System::nanoTime);
    try {
      return restorer.restore(target, place, progress::bytes);
    } catch (ReplicaException | LtxFormatException | ViewException | PlanException e) {
      throw new Failure("restore " + location, e);
    } catch (IOException e) {
      throw new Failure("restore to " + place.file(), e);
    } finally {
      progress.clear();
    }
  }

  private Json summary(
      DatabasePlace place, String location, Restorer.Result result, Instant began) {
    return new Json()
        .put("db_path", place.file().toString())
        .put("replica", location)
        .put("txid", result.txid().toString())
        .put("pages", result.pages())
        .put("bytes", result.bytes())
        .put("duration_ms", Duration.between(began, Instant.now()).toMillis())
        .put("integrity_check", integrityCheck);
  }
}
