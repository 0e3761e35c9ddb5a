package dev.sluice.cli;

import dev.sluice.storage.Environment;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/**
 * What surrounds one run of the program; passed in so that a test can stand in for the shell.
 * Immutable.
 *
 * @param out standard output
 * @param err standard error, UTF-8
 * @param isInteractive whether a person watches standard error: only then is progress shown
 * @param environment the variables that name replicas and credentials
 * @param started says when the process began; costs a few tens of milliseconds
 * @param openTimeout how long an open, and each read after it, may take
 */
record Terminal(
    Output out,
    PrintStream err,
    boolean isInteractive,
    Environment environment,
    Supplier<Instant> started,
    Duration openTimeout) {

  static final Duration OPEN_TIMEOUT = Duration.ofSeconds(30);

  /**
   * Returns that of this process. The launcher says whether a person watches, for Java cannot see
   * it.
   */
  static Terminal ofProcess() {
    return new Terminal(
        new Output(new FileOutputStream(FileDescriptor.out)),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        Boolean.getBoolean("sluice.terminal"),
        Environment.ofProcess(),
        Terminal::jvmStart,
        OPEN_TIMEOUT);
  }

  /** What the system says of the process is exact only to the second on some of them. */
  private static Instant jvmStart() {
    return Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime());
  }

  /** Returns the time since the process began. */
  long elapsedMillis() {
    return Math.max(0, Duration.between(started.get(), Instant.now()).toMillis());
  }
}
