package dev.sluice.cli;

import dev.sluice.replicator.control.ControlMessages.DatabaseAnswer;
import dev.sluice.replicator.control.ControlMessages.RegisterRequest;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice register}: has the daemon replicate one more database. */
@Command(
    name = "register",
    customSynopsis = {
      "sluice register [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
      "                [--json] [-v] DB REPLICA"
    },
    description = "Have the daemon replicate one more database, until it ends.")
final class RegisterCommand extends ControlCommand {

  @Option(
      names = {"--replica", "-replica"},
      paramLabel = "REPLICA",
      description = "The replica, as Litestream wants it said.")
  private @Nullable String option;

  @Parameters(index = "0", paramLabel = "DB", description = "The database's path.")
  private @Nullable Path database;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "REPLICA",
      description = "A replica URL, or the directory that is to hold ltx/.")
  private @Nullable String argument;

  RegisterCommand(Terminal terminal) {
    super(terminal);
  }

  @Override
  public Integer call() throws Failure, IOException {
    String path = absolute(Optional.ofNullable(database).orElseThrow());
    RegisterRequest request = new RegisterRequest(path, replica());
    DatabaseAnswer answer =
        ask("register " + path, client -> client.post("/register", request, DatabaseAnswer.class));
    Map<String, String> members = new LinkedHashMap<>();
    members.put("status", answer.status());
    members.put("db_path", answer.path());
    print(members);
    return ExitCode.DONE;
  }

  /** The daemon has another working directory. */
  private String replica() throws Failure {
    String given = option == null ? argument : option;
    if (given == null || (option != null && argument != null)) {
      throw wrongUsage("one REPLICA must follow DB");
    }
    try {
      ReplicaUrl url = ReplicaUrl.parse(given);
      return given.contains("://") || !url.scheme().equals(ReplicaUrl.FILE)
          ? given
          : "file://" + absolute(Path.of(url.path()));
    } catch (IllegalArgumentException e) {
      throw new Failure("open the replica", e);
    }
  }
}
