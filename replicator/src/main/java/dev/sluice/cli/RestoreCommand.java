package dev.sluice.cli;

import dev.sluice.cache.ViewException;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
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
      "sluice restore -o OUT [--txid T | --timestamp T] [--integrity-check none|quick|full]",
      "                      [--force] [--json] [-v] REPLICA"
    },
    description = "Make a database file from a replica.")
final class RestoreCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"-o", "--o"},
      paramLabel = "OUT",
      description = "The file to make.")
  private @Nullable Path out;

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
      names = {"--json", "-json"},
      description = "Print a JSON object about the result.")
  private boolean isJson;

  @Parameters(
      paramLabel = "REPLICA",
      description = "A replica URL, or the directory that holds ltx/.")
  private String replica = "";

  RestoreCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure, IOException {
    CommandLine command = Optional.ofNullable(spec).orElseThrow().commandLine();
    Path file = out;
    if (file == null) {
      throw new ParameterException(
          command, "-o OUT is required: databases cannot be configured by name yet");
    }
    IntegrityCheck check = check(command);
    Target target = targetOptions.target(command, Instant.now());
    RestoreOutput output = RestoreOutput.of(file, isForced);
    Instant began = Instant.now();
    Thread discard = new Thread(() -> discardQuietly(output), "restore-discard");
    Runtime.getRuntime().addShutdownHook(discard);
    try (OpenedClient client = OpenedClient.open(replica, terminal)) {
      Restorer.Result result = restore(client, target, output);
      check.run(output.staging());
      output.publish();
      if (isJson) {
        terminal.out().println(summary(file, client.location(), result, began).toString());
      }
    } finally {
      forget(discard);
      output.discard();
    }
    return ExitCode.DONE;
  }

  /** A signal ends the program without unwinding this thread. */
  private static void discardQuietly(RestoreOutput output) {
    try {
      output.discard();
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

  private Restorer.Result restore(OpenedClient client, Target target, RestoreOutput output)
      throws Failure {
    Progress progress = new Progress(terminal.err(), terminal.isInteractive(), System::nanoTime);
    try (Restorer restorer =
        new Restorer(client.unretried(), new RequestMeter(), terminal.openTimeout())) {
      return restorer.restore(target, output.staging(), Restorer.Existing.REFUSE, progress::bytes);
    } catch (ReplicaException | LtxFormatException | ViewException | PlanException e) {
      throw new Failure("restore " + client.location(), e);
    } catch (IOException e) {
      throw new Failure("restore to " + output.file(), e);
    } finally {
      progress.clear();
    }
  }

  private Json summary(Path file, String location, Restorer.Result result, Instant began) {
    return new Json()
        .put("db_path", file.toString())
        .put("replica", location)
        .put("txid", result.txid().toString())
        .put("pages", result.pages())
        .put("bytes", result.bytes())
        .put("duration_ms", Duration.between(began, Instant.now()).toMillis())
        .put("integrity_check", integrityCheck);
  }
}
