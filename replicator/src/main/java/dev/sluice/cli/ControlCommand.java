package dev.sluice.cli;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.SocketSettings;
import dev.sluice.replicator.control.ControlClient;
import dev.sluice.storage.text.Durations;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the commands that ask a daemon have in common. */
abstract class ControlCommand implements Callable<Integer> {
  /** What goes over the socket takes this at most beside what the daemon was told to take. */
  private static final Duration MARGIN = Duration.ofSeconds(5);

  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  /** What surrounds this run. */
  protected final Terminal terminal;

  /** Whose socket is asked, unless {@code --socket} says so. */
  @Mixin protected final ConfigOptions configOptions = new ConfigOptions();

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"--socket", "-socket"},
      paramLabel = "PATH",
      description = "The daemon's control socket; the configuration's by default.")
  private @Nullable Path socket;

  @Option(
      names = {"--timeout", "-timeout"},
      paramLabel = "DURATION",
      description = "How long the daemon may take, as 10s or 2m; 30s by default.")
  private @Nullable String timeout;

  @Option(
      names = {"--json", "-json"},
      description = "Print JSON.")
  private boolean isJson;

  ControlCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** Asks the daemon for something. */
  @FunctionalInterface
  interface Question<T> {
    T ask(ControlClient client) throws IOException;
  }

  final boolean isJson() {
    return isJson;
  }

  final ParameterException wrongUsage(String why) {
    return new ParameterException(Optional.ofNullable(spec).orElseThrow().commandLine(), why);
  }

  /** Returns the limit that the user has set; a number alone is of seconds, as Litestream's. */
  final Duration timeout() {
    String text = timeout;
    if (text == null) {
      return TIMEOUT;
    }
    Duration parsed;
    try {
      parsed = Durations.parse(text.matches("\\d+") ? text + "s" : text);
    } catch (IllegalArgumentException e) {
      throw wrongUsage("--timeout: " + e.getMessage());
    }
    if (parsed.isZero() || parsed.isNegative()) {
      throw wrongUsage("--timeout: \"" + text + "\" is not positive");
    }
    return parsed;
  }

  /** Returns the limit for a message: whole seconds, one at least. */
  final int timeoutSeconds() {
    return (int) Math.min(Integer.MAX_VALUE, Math.max(1, timeout().plusMillis(999).toSeconds()));
  }

  /** Returns the socket that is asked. */
  final Path socket() throws Failure {
    Path given = socket;
    return given != null
        ? given
        : configOptions
            .readIfThere(terminal)
            .map(Configuration::daemon)
            .map(daemon -> daemon.socket().path())
            .orElse(SocketSettings.DEFAULT.path());
  }

  final <T> T ask(String doing, Question<T> question) throws Failure {
    ControlClient client = new ControlClient(socket(), timeout().plus(MARGIN));
    try {
      return question.ask(client);
    } catch (IOException e) {
      throw new Failure(doing, e);
    }
  }

  /** Prints one thing, a line for each of its members. */
  final void print(Map<String, String> members) throws IOException {
    if (isJson) {
      Json object = new Json();
      members.forEach(object::put);
      terminal.out().println(object.toString());
      return;
    }
    for (Map.Entry<String, String> member : members.entrySet()) {
      terminal.out().println(member.getKey() + ": " + member.getValue());
    }
  }

  static String hex(long txid) {
    return new Txid(txid).toString();
  }

  static String absolute(Path database) {
    return database.toAbsolutePath().normalize().toString();
  }
}
