package dev.sluice.cli;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice help [COMMAND]}. */
@Command(
    name = "help",
    customSynopsis = "sluice help [COMMAND]",
    description = "Show the commands, or the options of one.")
final class HelpCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec private @Nullable CommandSpec spec;

  @Parameters(arity = "0..1", paramLabel = "COMMAND", description = "The command to explain.")
  private @Nullable String command;

  HelpCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    CommandLine root = Optional.ofNullable(spec).orElseThrow().commandLine().getParent();
    String name = command;
    CommandLine shown = name == null ? root : root.getSubcommands().get(name);
    if (shown == null) {
      throw Usage.unknownCommand(root, String.valueOf(name));
    }
    terminal.out().print(shown.getUsageMessage());
    return ExitCode.DONE;
  }
}
