package dev.sluice.cli;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice ltx}: the files of a replica as its storage lists them. */
@Command(
    name = "ltx",
    customSynopsis =
        "sluice ltx [--level N|all] [--json] [--config FILE] [--no-expand-env] [-v] REPLICA",
    description = "List the LTX files of a replica.")
final class LtxCommand implements Callable<Integer> {
  private static final String[] COLUMNS = {"level", "min_txid", "max_txid", "size", "created"};

  private final Terminal terminal;

  @Spec private @Nullable CommandSpec spec;

  @Mixin private final ConfigOptions configOptions = new ConfigOptions();

  @Option(
      names = {"--level", "-level"},
      paramLabel = "N|all",
      defaultValue = "all",
      description = "List one level, 0 to 9, or all (the default).")
  private String level = "all";

  @Option(
      names = {"--json", "-json"},
      description = "Print a JSON array of objects.")
  private boolean isJson;

  @Parameters(paramLabel = "REPLICA", description = ReplicaArgument.DESCRIPTION)
  private String replica = "";

  LtxCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure, IOException {
    List<Integer> levels = levels();
    List<LtxFile> files;
    ReplicaArgument argument = ReplicaArgument.of(replica, configOptions, terminal);
    try (OpenedClient client = OpenedClient.open(argument)) {
      files = list(client.within(terminal.openTimeout()), levels);
    }
    if (isJson) {
      printJson(files);
    } else {
      printTable(files);
    }
    return ExitCode.DONE;
  }

  private List<Integer> levels() {
    if (level.equals("all")) {
      return IntStream.rangeClosed(0, LtxFileName.SNAPSHOT_LEVEL).boxed().toList();
    }
    if (level.length() == 1
        && level.charAt(0) >= '0'
        && level.charAt(0) - '0' <= LtxFileName.SNAPSHOT_LEVEL) {
      return List.of(level.charAt(0) - '0');
    }
    throw new ParameterException(
        Optional.ofNullable(spec).orElseThrow().commandLine(),
        "--level: \"" + level + "\" is neither 0 to " + LtxFileName.SNAPSHOT_LEVEL + " nor all");
  }

  private static List<LtxFile> list(ReplicaClient client, List<Integer> levels) throws Failure {
    List<CompletableFuture<List<LtxFile>>> lists =
        levels.stream().map(number -> client.list(number, Txid.NONE)).toList();
    try {
      List<LtxFile> files = new ArrayList<>();
      lists.forEach(list -> files.addAll(list.join()));
      return files;
    } catch (CompletionException e) {
      lists.forEach(list -> list.cancel(true));
      throw new Failure("list the files of " + client.location(), e);
    }
  }

  private void printTable(List<LtxFile> files) throws IOException {
    List<String[]> rows = new ArrayList<>();
    rows.add(COLUMNS);
    files.forEach(file -> rows.add(row(file)));
    int[] widths = new int[COLUMNS.length];
    for (String[] row : rows) {
      for (int column = 0; column < row.length; column++) {
        widths[column] = Math.max(widths[column], row[column].length());
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.length; column++) {
        line.append(row[column]).append(" ".repeat(widths[column] - row[column].length() + 2));
      }
      terminal.out().println(line.toString().stripTrailing());
    }
  }

  private void printJson(List<LtxFile> files) throws IOException {
    terminal.out().print("[");
    String separator = "";
    for (LtxFile file : files) {
      String[] row = row(file);
      Json object =
          new Json()
              .put(COLUMNS[0], file.name().level())
              .put(COLUMNS[1], row[1])
              .put(COLUMNS[2], row[2]);
      terminal.out().print(separator + object.put(COLUMNS[3], file.size()).put(COLUMNS[4], row[4]));
      separator = ",\n";
    }
    terminal.out().print("]\n");
  }

  private static String[] row(LtxFile file) {
    return new String[] {
      Integer.toString(file.name().level()),
      file.name().range().min().toString(),
      file.name().range().max().toString(),
      Long.toString(file.size()),
      file.created().truncatedTo(ChronoUnit.SECONDS).toString()
    };
  }
}
