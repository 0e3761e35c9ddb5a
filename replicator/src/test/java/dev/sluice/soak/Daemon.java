package dev.sluice.soak;

import dev.sluice.replicator.SteppedProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A program that replicates a database: how it is started, and what its end says. Immutable. */
interface Daemon {

  /** Starts it; what it says goes to {@code output}. */
  Child start(Path output) throws IOException;

  /** Tells whether a process has come so far that a signal is heard. */
  boolean isStarted(Child child);

  /** Tells whether {@link SteppedProcess#SYNC} is answered. */
  default boolean isListening() {
    return false;
  }

  /** Tells whether a process that was asked to stop says that everything is stored. */
  boolean isAllStored(Child ended);

  /**
   * Returns our engine, in a process without a command line.
   *
   * @param retention {@code keep} or {@code delete}
   * @param end the step at which it is gone, and at which time; or nothing
   */
  static Daemon engine(Path database, Storage storage, String retention, List<String> end) {
    return new Daemon() {
      @Override
      public Child start(Path output) throws IOException {
        List<String> arguments =
            new ArrayList<>(List.of(database.toString(), storage.daemonUrl(), retention));
        arguments.addAll(end);
        return Child.start(
            Child.java(SteppedProcess.class, arguments), storage.variables(), output);
      }

      @Override
      public boolean isStarted(Child child) {
        return child.output().contains(SteppedProcess.STARTED);
      }

      @Override
      public boolean isListening() {
        return true;
      }

      @Override
      public boolean isAllStored(Child ended) {
        return ended.output().contains(SteppedProcess.STOPPED);
      }
    };
  }

  /**
   * Returns the real Litestream, whose replica is a directory.
   *
   * @param binary its path
   */
  static Daemon litestream(String binary, Path database, Path replica, Path folder)
      throws IOException {
    Path config = folder.resolve("litestream.yml");
    Files.writeString(
        config,
        """
        l0-retention: 24h
        dbs:
          - path: %s
            monitor-interval: 10ms
            replica:
              type: file
              path: %s
              sync-interval: 10ms
        """
            .formatted(database, replica),
        StandardCharsets.UTF_8);
    return new Daemon() {
      @Override
      public Child start(Path output) throws IOException {
        List<String> command = List.of(binary, "replicate", "-config", config.toString());
        return Child.start(command, Map.of(), output);
      }

      @Override
      public boolean isStarted(Child child) {
        return child.output().contains("replicating to");
      }

      @Override
      public boolean isAllStored(Child ended) {
        return ended.exitCode() == 0;
      }
    };
  }
}
