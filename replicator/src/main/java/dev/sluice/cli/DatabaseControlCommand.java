package dev.sluice.cli;

import dev.sluice.replicator.control.ControlMessages.DatabaseAnswer;
import dev.sluice.replicator.control.ControlMessages.DatabaseRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sluice start}, {@code stop} and {@code unregister}: one database, and no more to say. */
abstract class DatabaseControlCommand extends ControlCommand {
  private final String verb;

  @Parameters(index = "0", paramLabel = "DB", description = "The database's path.")
  private @Nullable Path database;

  DatabaseControlCommand(Terminal terminal, String verb) {
    super(terminal);
    this.verb = verb;
  }

  @Override
  public Integer call() throws Failure, IOException {
    String path = absolute(Optional.ofNullable(database).orElseThrow());
    DatabaseRequest request = new DatabaseRequest(path, timeoutSeconds());
    DatabaseAnswer answer =
        ask(verb + " " + path, client -> client.post("/" + verb, request, DatabaseAnswer.class));
    Map<String, String> members = new LinkedHashMap<>();
    members.put("status", answer.status());
    members.put("db_path", answer.path());
    members.put("txid", hex(Optional.ofNullable(answer.txid()).orElse(0L)));
    print(members);
    return ExitCode.DONE;
  }

  @Command(
      name = "start",
      customSynopsis = {
        "sluice start [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
        "             [--json] [-v] DB"
      },
      description = "Have the daemon replicate a database again that was stopped.")
  static final class Start extends DatabaseControlCommand {
    Start(Terminal terminal) {
      super(terminal, "start");
    }
  }

  @Command(
      name = "stop",
      customSynopsis = {
        "sluice stop [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
        "            [--json] [-v] DB"
      },
      description = "Have the daemon ship what is committed, and let go of a database.")
  static final class Stop extends DatabaseControlCommand {
    Stop(Terminal terminal) {
      super(terminal, "stop");
    }
  }

  @Command(
      name = "unregister",
      customSynopsis = {
        "sluice unregister [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
        "                  [--json] [-v] DB"
      },
      description = "As stop, and have the daemon forget the database.")
  static final class Unregister extends DatabaseControlCommand {
    Unregister(Terminal terminal) {
      super(terminal, "unregister");
    }
  }
}
