package dev.sluice.cli;

import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.DatabaseScan;
import dev.sluice.replicator.control.ControlClient;
import dev.sluice.replicator.control.ControlJson;
import dev.sluice.replicator.control.ControlMessages.StatusAnswer;
import dev.sluice.replicator.control.DatabaseReport;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * {@code sluice status}: how far the databases are; of the daemon where one runs, else of what the
 * spools and the replicas hold.
 */
@Command(
    name = "status",
    customSynopsis = {
      "sluice status [--config FILE] [--no-expand-env] [--socket PATH] [--timeout DURATION]",
      "              [--json] [-v] [DB]"
    },
    description = "Tell how far the databases are, with and without a daemon.")
final class StatusCommand extends ControlCommand {
  private static final String UNKNOWN = "-";

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "DB",
      description = "One database's path; all by default.")
  private @Nullable Path database;

  StatusCommand(Terminal terminal) {
    super(terminal);
  }

  @Override
  public Integer call() throws Failure, IOException {
    Optional<String> path = Optional.ofNullable(database).map(ControlCommand::absolute);
    List<DatabaseReport> reports = reports(path);
    if (isJson()) {
      terminal.out().println(ControlJson.write(reports));
      return ExitCode.DONE;
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("database", "status", "local_txid", "replica_txid", "lag", "spool", "trouble"));
    reports.forEach(report -> rows.add(row(report)));
    Table.print(terminal.out(), rows);
    return ExitCode.DONE;
  }

  private List<DatabaseReport> reports(Optional<String> path) throws Failure {
    String uri =
        "/status"
            + path.map(p -> "?path=" + URLEncoder.encode(p, StandardCharsets.UTF_8)).orElse("");
    try {
      return ask("ask the daemon", client -> client.get(uri, StatusAnswer.class)).databases();
    } catch (Failure e) {
      if (!(e.getCause() instanceof ControlClient.NoDaemonException)) {
        throw e;
      }
      return withoutDaemon(path, e);
    }
  }

  private List<DatabaseReport> withoutDaemon(Optional<String> path, Failure none) throws Failure {
    Optional<Configuration> configuration = configOptions.readIfThere(terminal);
    OfflineStatus offline = new OfflineStatus(terminal);
    if (path.isPresent()) {
      Path only = Path.of(path.get());
      return List.of(offline.report(only, configuration.flatMap(all -> all.database(only))));
    }
    if (configuration.isEmpty()) {
      throw none;
    }
    try {
      return new DatabaseScan(configuration.get())
          .look().databases().stream()
              .map(entry -> offline.report(entry.path(), Optional.of(entry)))
              .toList();
    } catch (RuntimeException e) {
      throw new Failure("look for databases", e);
    }
  }

  private static List<String> row(DatabaseReport report) {
    Double lag = report.lagSeconds();
    return List.of(
        report.database(),
        report.status(),
        text(report.localTxid()),
        text(report.replicaTxid()),
        lag == null ? UNKNOWN : String.format(Locale.ROOT, "%.1fs", lag),
        text(report.spoolBytes()),
        text(report.trouble()));
  }

  private static String text(@Nullable Object value) {
    return value == null ? UNKNOWN : value.toString();
  }
}
