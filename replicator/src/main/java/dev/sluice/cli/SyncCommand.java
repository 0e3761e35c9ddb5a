package dev.sluice.cli;

import dev.sluice.replicator.control.ControlMessages.SyncAnswer;
import dev.sluice.replicator.control.ControlMessages.SyncRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice sync}: has what is committed brought into the replica. */
@Command(
    name = "sync",
    customSynopsis = {
      "sluice sync [--wait] [--config FILE] [--no-expand-env] [--socket PATH]",
      "            [--timeout DURATION] [--json] [-v] DB"
    },
    description = "Have the daemon bring what is committed into the replica.")
final class SyncCommand extends ControlCommand {

  @Option(
      names = {"--wait", "-wait"},
      description = "Return when the replica has it.")
  private boolean isWaiting;

  @Parameters(index = "0", paramLabel = "DB", description = "The database's path.")
  private @Nullable Path database;

  SyncCommand(Terminal terminal) {
    super(terminal);
  }

  @Override
  public Integer call() throws Failure, IOException {
    String path = absolute(Optional.ofNullable(database).orElseThrow());
    SyncRequest request = new SyncRequest(path, isWaiting, timeoutSeconds());
    long begunNanos = System.nanoTime();
    SyncAnswer answer =
        ask("sync " + path, client -> client.post("/sync", request, SyncAnswer.class));
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begunNanos);
    Map<String, String> members = new LinkedHashMap<>();
    members.put("status", answer.status());
    members.put("db_path", answer.path());
    members.put("txid", hex(answer.txid()));
    members.put("replica_txid", hex(answer.replicatedTxid()));
    members.put("duration_ms", Long.toString(millis));
    print(members);
    return ExitCode.DONE;
  }
}
