package dev.sluice.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The application that runs as our child: it has our terminal, and its exit code is ours. */
final class ChildCommand {
  private static final Logger log = LoggerFactory.getLogger(ChildCommand.class);

  /** What an application has that ends after a Ctrl-C of its own. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Process process;

  private ChildCommand(Process process) {
    this.process = process;
  }

  /** Starts a command, without a shell. */
  static ChildCommand start(String command) throws Failure {
    List<String> words = words(command);
    if (words.isEmpty()) {
      throw new Failure("run the command", "it is empty");
    }
    try {
      return new ChildCommand(new ProcessBuilder(words).inheritIO().start());
    } catch (IOException e) {
      throw new Failure("run " + words.get(0), e);
    }
  }

  /**
   * Returns the words of a command, as Litestream splits them: quotes are those of a shell, and a
   * backslash takes the next character as it is, but between single quotes.
   *
   * @throws Failure if a quote has no end
   */
  static List<String> words(String command) throws Failure {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean isWord = false;
    char quote = 0;
    for (int i = 0; i < command.length(); i++) {
      char c = command.charAt(i);
      boolean isEscape = c == '\\' && quote != '\'' && i + 1 < command.length();
      if (isEscape) {
        i++;
        word.append(command.charAt(i));
        isWord = true;
      } else if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
        isWord = true;
      } else if (Character.isWhitespace(c)) {
        if (isWord) {
          words.add(word.toString());
        }
        word.setLength(0);
        isWord = false;
      } else {
        word.append(c);
        isWord = true;
      }
    }
    if (quote != 0) {
      throw new Failure("run the command", "a quote has no end: " + command);
    }
    if (isWord) {
      words.add(word.toString());
    }
    return words;
  }

  /**
   * Passes on a signal that we got, by its name as {@code INT}, unless it has it already.
   *
   * <p>A terminal's Ctrl-C goes to the child as well, and many an application takes a second one as
   * the order to end without tidying up. Nobody tells us where a signal came from: what a terminal
   * can have sent is passed on late, if the child goes on as if it had got none. SIGTERM never
   * comes from a terminal.
   */
  void passOn(String name) throws InterruptedException {
    passOn(name, name.equals("INT") && ForegroundGroup.isOurs() ? PATIENCE : Duration.ZERO);
  }

  /** Sends it a signal, unless it ends by itself before. */
  void passOn(String name, Duration patience) throws InterruptedException {
    if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
      signal(name);
    }
  }

  /**
   * Sends it a signal, by its name as {@code INT}. The JDK can only send SIGTERM, which it gets
   * where there is no {@code kill}.
   */
  void signal(String name) throws InterruptedException {
    if (!name.equals("TERM") && process.isAlive()) {
      try {
        Process kill = new ProcessBuilder("kill", "-" + name, "" + process.pid()).start();
        if (kill.waitFor() == 0) {
          return;
        }
      } catch (IOException e) {
        log.debug("kill", e);
      }
    }
    process.destroy();
  }

  /** Ends it at once. */
  void kill() {
    process.destroyForcibly();
  }

  /** Calls {@code action} when it has ended, on a thread of the JDK. */
  void onEnd(Runnable action) {
    var unused = process.onExit().thenRun(action);
  }

  /** Waits for its end, and returns its exit code. */
  int await() throws InterruptedException {
    return process.waitFor();
  }
}
