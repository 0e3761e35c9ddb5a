package dev.sluice.cli;

import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.replicator.config.DatabaseScan;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code sluice databases}: what the configuration names, and what is in its directories now. What
 * in it has no effect, or is left out, is said on standard error.
 */
@Command(
    name = "databases",
    customSynopsis = "sluice databases [--config FILE] [--no-expand-env] [--json] [-v]",
    description = "List the databases of the configuration.")
final class DatabasesCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private final ConfigOptions configOptions = new ConfigOptions();

  @Option(
      names = {"--json", "-json"},
      description = "Print a JSON array of objects.")
  private boolean isJson;

  DatabasesCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure, IOException {
    Configuration configuration = configOptions.read(terminal);
    DatabaseScan.Found found = new DatabaseScan(configuration).look();
    if (isJson) {
      printJson(found.databases());
    } else {
      printTable(found.databases());
    }
    terminal.out().flush();
    configuration.warnings().forEach(line -> terminal.err().println("sluice: " + line));
    found.problems().forEach(line -> terminal.err().println("sluice: " + line));
    return ExitCode.DONE;
  }

  private void printTable(List<DatabaseEntry> databases) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("path", "replica", "url"));
    for (DatabaseEntry database : databases) {
      ReplicaUrl url = database.replica().url();
      rows.add(List.of(database.path().toString(), url.scheme(), url.location()));
    }
    int pathWidth = rows.stream().mapToInt(row -> row.get(0).length()).max().orElse(0);
    int typeWidth = rows.stream().mapToInt(row -> row.get(1).length()).max().orElse(0);
    for (List<String> row : rows) {
      terminal
          .out()
          .println(padded(row.get(0), pathWidth) + padded(row.get(1), typeWidth) + row.get(2));
    }
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(width - text.length() + 2);
  }

  private void printJson(List<DatabaseEntry> databases) throws IOException {
    terminal.out().print("[");
    String separator = "";
    for (DatabaseEntry database : databases) {
      ReplicaUrl url = database.replica().url();
      Json object =
          new Json()
              .put("path", database.path().toString())
              .put("replica", url.scheme())
              .put("url", url.location());
      terminal.out().print(separator + object);
      separator = ",\n";
    }
    terminal.out().print("]\n");
  }
}
