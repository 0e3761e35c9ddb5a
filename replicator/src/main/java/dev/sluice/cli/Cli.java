package dev.sluice.cli;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line as a whole: its commands, and the one place where a failure becomes a line on
 * stderr and an exit code. Confined to one thread at a time; for one run.
 */
final class Cli {

  @Command(
      name = "sluice",
      description = "Replicate, query and restore SQLite databases, by way of object storage.",
      synopsisSubcommandLabel = "COMMAND")
  private static final class Root implements Callable<Integer> {

    @Option(
        names = {"-v", "--v", "-verbose", "--verbose"},
        scope = ScopeType.INHERIT,
        description = "After an error, show its stack trace.")
    private boolean isVerbose;

    @Option(
        names = {"-h", "--h", "-help", "--help"},
        scope = ScopeType.INHERIT,
        usageHelp = true,
        description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli acts on it
    private boolean isHelp;

    private final Terminal terminal;

    Root(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() {
      terminal.err().println("sluice: no command given; \"sluice help\" shows them");
      return ExitCode.WRONG_USAGE;
    }
  }

  private final Terminal terminal;
  private final Root root;
  private final CommandLine commandLine;

  Cli(Terminal terminal) {
    this.terminal = terminal;
    this.root = new Root(terminal);
    CommandLine sql = new CommandLine(new SqlCommand(terminal));
    this.commandLine =
        new CommandLine(root)
            .addSubcommand(sql)
            .addSubcommand(new RestoreCommand(terminal))
            .addSubcommand(new ReplicateCommand(terminal))
            .addSubcommand(new DatabasesCommand(terminal))
            .addSubcommand(new StatusCommand(terminal))
            .addSubcommand(new SyncCommand(terminal))
            .addSubcommand(new ListCommand(terminal))
            .addSubcommand(new InfoCommand(terminal))
            .addSubcommand(new DatabaseControlCommand.Start(terminal))
            .addSubcommand(new DatabaseControlCommand.Stop(terminal))
            .addSubcommand(new RegisterCommand(terminal))
            .addSubcommand(new DatabaseControlCommand.Unregister(terminal))
            .addSubcommand(new ResetCommand(terminal))
            .addSubcommand(new LtxCommand(terminal))
            .addSubcommand(new DemoCommand(terminal))
            .addSubcommand(new VersionCommand(terminal))
            .addSubcommand(new HelpCommand(terminal))
            .setPosixClusteredShortOptionsAllowed(false)
            .setAbbreviatedOptionsAllowed(false)
            .setExpandAtFiles(false)
            .setHelpFactory(Usage::help)
            .setUsageHelpWidth(Usage.WIDTH)
            .registerConverter(Txid.class, Cli::txid)
            .setParameterExceptionHandler((e, args) -> wrongUsage(e))
            .setExecutionExceptionHandler((e, command, result) -> failed(e));
    commandLine.setOut(
        new PrintWriter(new OutputStreamWriter(terminal.out(), StandardCharsets.UTF_8), true));
    sql.setUnmatchedOptionsArePositionalParams(true);
  }

  /** Runs one command; returns the exit code. */
  int run(String... args) {
    int exitCode = commandLine.execute(args);
    if (exitCode != ExitCode.DONE) {
      return exitCode; // what could be printed has been, before the failure's own line
    }
    try {
      terminal.out().flush();
    } catch (IOException e) {
      return failed(e);
    }
    return exitCode;
  }

  private static Txid txid(String text) {
    try {
      return Txid.parse(text);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }

  private int wrongUsage(ParameterException e) {
    ParameterException shown = named(e);
    CommandLine command = e.getCommandLine();
    String where = command == commandLine ? "" : command.getCommandName() + ": ";
    terminal.err().println("sluice: " + where + shown.getMessage());
    trace(e);
    return ExitCode.WRONG_USAGE;
  }

  /** Gives an argument that no one knows the nearest known word. */
  private ParameterException named(ParameterException e) {
    if (!(e instanceof UnmatchedArgumentException unmatched)
        || unmatched.getUnmatched().isEmpty()) {
      return e;
    }
    CommandLine command = e.getCommandLine();
    String argument = unmatched.getUnmatched().get(0);
    if (Usage.isOption(argument)) {
      return Usage.unknownOption(command, argument);
    }
    return command == commandLine
        ? Usage.unknownCommand(command, argument)
        : new ParameterException(command, "one argument too many: \"" + argument + "\"");
  }

  private int failed(Exception e) {
    try {
      // What came before the failure is the user's; it is printed first.
      terminal.out().flush();
    } catch (Output.WriteException unwritable) {
      if (!(e instanceof Output.WriteException)) {
        e.addSuppressed(unwritable);
      }
    }
    if (e instanceof Output.WriteException && isPipe()) {
      return ExitCode.DONE; // the reader has seen enough
    }
    String message =
        e instanceof Failure
            ? String.valueOf(e.getMessage())
            : (e instanceof Output.WriteException ? "write the output: " : "run the command: ")
                + Failure.why(e);
    terminal.err().println("sluice: " + message);
    trace(e);
    return ExitCode.FAILED;
  }

  private void trace(Exception e) {
    if (root.isVerbose) {
      e.printStackTrace(terminal.err());
    }
  }

  /**
   * Returns whether standard output is a pipe or socket, whose writes fail only because nobody
   * reads.
   */
  private static boolean isPipe() {
    try {
      int type = (int) Files.getAttribute(Path.of("/dev/fd/1"), "unix:mode") & 0170000;
      return type == 0010000 || type == 0140000;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return true;
    }
  }
}
