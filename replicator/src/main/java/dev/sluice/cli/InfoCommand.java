package dev.sluice.cli;

import dev.sluice.replicator.control.ControlMessages.InfoAnswer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;

/** {@code sluice info}: the daemon itself. */
@Command(
    name = "info",
    customSynopsis = {
      "sluice info [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
      "            [--json] [-v]"
    },
    description = "Tell which daemon runs, and since when.")
final class InfoCommand extends ControlCommand {

  InfoCommand(Terminal terminal) {
    super(terminal);
  }

  @Override
  public Integer call() throws Failure, IOException {
    InfoAnswer answer = ask("ask the daemon", client -> client.get("/info", InfoAnswer.class));
    Map<String, String> members = new LinkedHashMap<>();
    members.put("version", answer.version());
    members.put("pid", Long.toString(answer.pid()));
    members.put("started_at", answer.startedAt());
    members.put("uptime_seconds", Long.toString(answer.uptimeSeconds()));
    members.put("database_count", Integer.toString(answer.databaseCount()));
    print(members);
    return ExitCode.DONE;
  }
}
