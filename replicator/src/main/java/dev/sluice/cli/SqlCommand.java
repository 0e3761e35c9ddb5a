package dev.sluice.cli;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.View;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.vfs.OpenReplica;
import dev.sluice.vfs.Sluice;
import dev.sluice.vfs.SluiceException;
import java.io.IOException;
import java.lang.ref.Reference;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code sluice sql}: statements against a replica, through JDBC and the VFS, so that what it shows
 * is what applications see.
 */
@Command(
    name = "sql",
    customSynopsis = {
      "sluice sql [--txid T | --timestamp T] [--json] [--stats] [--config FILE] [--no-expand-env]",
      "                  [-v] REPLICA SQL..."
    },
    description = "Run SQL on a replica, as it is now or was before.")
final class SqlCommand implements Callable<Integer> {
  private static final long NONE = -1;

  private final Terminal terminal;

  @Spec private @Nullable CommandSpec spec;

  @Mixin private final ConfigOptions configOptions = new ConfigOptions();

  @Mixin private final TargetOptions targetOptions = new TargetOptions();

  @Option(
      names = {"--json", "-json"},
      description = "Print a JSON array of objects for each statement with a result.")
  private boolean isJson;

  @Option(
      names = {"--stats", "-stats"},
      description = "Afterwards print one JSON line about requests and times to stderr.")
  private boolean hasStats;

  @Parameters(
      arity = "1",
      index = "0",
      paramLabel = "REPLICA",
      description = ReplicaArgument.DESCRIPTION)
  private String replica = "";

  @Parameters(
      arity = "1..*",
      index = "1..*",
      paramLabel = "SQL",
      description = "One or several statements each.")
  private List<String> statements = new ArrayList<>();

  private long openMillis;
  private long firstRowMillis = NONE;

  SqlCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Failure, IOException {
    CommandLine command = Optional.ofNullable(spec).orElseThrow().commandLine();
    Usage.refuseOptions(command, List.of(replica));
    Usage.refuseOptions(command, statements);
    Target target = targetOptions.target(command, Instant.now());
    ReplicaUrl url = url();
    try (OpenReplica opened = hold(url);
        Connection connection = connect(url, opened, target)) {
      openMillis = elapsedMillis();
      RowFormat format = isJson ? new JsonFormat(terminal.out()) : new ListFormat(terminal.out());
      SqlRunner runner = new SqlRunner(connection, format, () -> firstRowMillis = elapsedMillis());
      try {
        runner.run(statements);
      } finally {
        terminal.out().flush();
        if (hasStats) {
          terminal.err().println(stats(txid(connection), opened.replica().requests()));
        }
      }
    } catch (SQLException e) {
      throw new Failure("close " + url.location(), e);
    }
    return ExitCode.DONE;
  }

  /** The VFS is this process's, and finds credentials in its environment only. */
  private ReplicaUrl url() throws Failure {
    ReplicaArgument argument = ReplicaArgument.of(replica, configOptions, terminal);
    if (argument.database().flatMap(database -> database.replica().accessKey()).isPresent()) {
      throw new Failure(
          "open " + argument.url().location(),
          "sql does not take credentials from the configuration; set AWS_ACCESS_KEY_ID and"
              + " AWS_SECRET_ACCESS_KEY, and name the replica by its URL");
    }
    return argument.url();
  }

  private OpenReplica hold(ReplicaUrl url) throws Failure {
    try {
      return Sluice.open(options(url));
    } catch (IOException | IllegalArgumentException | SluiceException e) {
      throw new Failure("open " + url.location(), e);
    }
  }

  private ReplicaOptions options(ReplicaUrl url) {
    return ReplicaOptions.of(url).withReadTimeout(terminal.openTimeout());
  }

  /** The view is opened first, for its failures say more as they are than through JDBC. */
  private static Connection connect(ReplicaUrl url, OpenReplica opened, Target target)
      throws Failure {
    try {
      View view = opened.replica().at(target);
      try {
        return DriverManager.getConnection(opened.jdbcUrl() + parameter(target));
      } finally {
        Reference.reachabilityFence(view);
      }
    } catch (SQLException | IOException e) {
      throw new Failure("open " + url.location(), e);
    }
  }

  /** Returns what fixes the view in the SQLite URI. */
  private static String parameter(Target target) {
    if (target instanceof Target.AtTxid at) {
      return "&txid=" + at.txid();
    }
    return target instanceof Target.Before before ? "&timestamp=" + before.time() : "";
  }

  private static @Nullable String txid(Connection connection) {
    try (PreparedStatement statement = connection.prepareStatement("SELECT litestream_txid()");
        ResultSet rows = statement.executeQuery()) {
      return rows.next() ? rows.getString(1) : null;
    } catch (SQLException e) {
      return null; // statistics never fail the command that they are about
    }
  }

  private long elapsedMillis() {
    return hasStats ? terminal.elapsedMillis() : 0;
  }

  private Json stats(@Nullable String txid, RequestMeter.Snapshot requests) {
    Json line = txid == null ? new Json().putNull("txid") : new Json().put("txid", txid);
    line.put("list", requests.lists()).put("get", requests.gets()).put("head", requests.heads());
    line.put("bytes", requests.bytes()).put("rounds", requests.rounds());
    line.put("hedges", requests.hedges()).put("waste_bytes", requests.wasteBytes());
    line.put("open_ms", openMillis);
    if (firstRowMillis == NONE) {
      line.putNull("first_row_ms");
    } else {
      line.put("first_row_ms", firstRowMillis);
    }
    return line.put("total_ms", terminal.elapsedMillis());
  }
}
