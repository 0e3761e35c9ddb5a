package dev.sluice.soak;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A program that replicates a database: how it is started, and what its end says. Immutable. */
interface Daemon {

  /** Starts it; what it says goes to {@code output}. */
  Child start(Path output) throws IOException;

  /** Tells whether a process that was asked to stop says that everything is stored. */
  boolean isAllStored(Child ended) throws IOException;

  /** Returns our engine, in a process without a command line. */
  static Daemon engine(Path database, String replica, Map<String, String> environment) {
    return new Daemon() {
      @Override
      public Child start(Path output) throws IOException {
        List<String> arguments = List.of(database.toString(), replica);
        return Child.start(Child.java(EngineProcess.class, arguments), environment, output);
      }

      @Override
      public boolean isAllStored(Child ended) throws IOException {
        return ended.output().contains(EngineProcess.STOPPED);
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
      public boolean isAllStored(Child ended) {
        return ended.exitCode() == 0;
      }
    };
  }
}
