package dev.sluice.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The same reads by Litestream's own VFS, where the environment variable {@code LITESTREAM_VFS}
 * names it. It cannot be loaded into a JVM's SQLite: Python's reads the local file and the replica,
 * and what is Python's own share is in both.
 */
final class LitestreamReads {
  private static final String SCRIPT = "jmh/bench/litestream-reads.py";

  private LitestreamReads() {}

  /** Prints what it takes, if it is here; {@code LITESTREAM_PYTHON} names another Python. */
  static void print(BenchDatabase database, Path folder) throws IOException, InterruptedException {
    Optional<String> vfs = variable("LITESTREAM_VFS");
    if (vfs.isEmpty()) {
      return;
    }
    List<String> command =
        List.of(
            variable("LITESTREAM_PYTHON").orElse("/usr/bin/python3"),
            SCRIPT,
            vfs.get(),
            database.file().toString(),
            String.valueOf(database.rowCount()));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().remove("AWS_CA_BUNDLE");
    builder.environment().put("LITESTREAM_REPLICA_URL", "file://" + database.replica());
    builder.environment().put("LITESTREAM_HYDRATION_ENABLED", "true");
    builder.environment().put("LITESTREAM_HYDRATION_PATH", folder.resolve("litestream").toString());
    int code = builder.start().waitFor();
    if (code != 0) {
      throw new IOException(String.join(" ", command) + " ended with " + code);
    }
  }

  private static Optional<String> variable(String name) {
    return Optional.ofNullable(System.getenv(name)).filter(value -> !value.isBlank());
  }
}
