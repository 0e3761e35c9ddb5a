package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What one run of the command line, in this process, wrote and answered. */
@SuppressWarnings("ArrayRecordComponent") // never compared
record CliRun(int exitCode, byte[] outBytes, String err) {

  private static final Duration SURELY = Duration.ofSeconds(20);

  /** Runs the command line, with an open that has all the time it needs. */
  static CliRun of(String... args) {
    return run(false, SURELY, args);
  }

  /** Runs a command whose open is tried again and again, and must fail: within a second or two. */
  static CliRun failing(String... args) {
    return run(false, Duration.ofSeconds(1), args);
  }

  /** As {@link #of}, with a person at the terminal. */
  static CliRun watched(String... args) {
    return run(true, SURELY, args);
  }

  /** Runs a command that must do its work without a word on stderr. */
  static CliRun done(String... args) {
    CliRun run = of(args);
    assertEquals("", run.err());
    assertEquals(ExitCode.DONE, run.exitCode());
    return run;
  }

  private static CliRun run(boolean isInteractive, Duration openTimeout, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Terminal terminal =
        new Terminal(
            new Output(out),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            isInteractive,
            name -> Optional.empty(),
            Instant::now,
            openTimeout);
    int exitCode = new Cli(terminal).run(args);
    return new CliRun(exitCode, out.toByteArray(), err.toString(StandardCharsets.UTF_8));
  }

  String out() {
    return new String(outBytes, StandardCharsets.UTF_8);
  }
}
