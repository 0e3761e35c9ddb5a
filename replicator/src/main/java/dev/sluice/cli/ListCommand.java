package dev.sluice.cli;

import dev.sluice.replicator.control.ControlJson;
import dev.sluice.replicator.control.ControlMessages.ListAnswer;
import dev.sluice.replicator.control.ControlMessages.Listed;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code sluice list}: the databases of the daemon. */
@Command(
    name = "list",
    customSynopsis = {
      "sluice list [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
      "            [--json] [-v]"
    },
    description = "List the databases of the daemon.")
final class ListCommand extends ControlCommand {

  ListCommand(Terminal terminal) {
    super(terminal);
  }

  @Override
  public Integer call() throws Failure, IOException {
    ListAnswer answer = ask("list the databases", client -> client.get("/list", ListAnswer.class));
    if (isJson()) {
      terminal.out().println(ControlJson.write(answer.databases()));
      return ExitCode.DONE;
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("database", "status", "last_sync"));
    for (Listed one : answer.databases()) {
      rows.add(
          List.of(one.path(), one.status(), Optional.ofNullable(one.lastSyncAt()).orElse("never")));
    }
    Table.print(terminal.out(), rows);
    return ExitCode.DONE;
  }
}
