package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A signal ends {@code sluice replicate} while its storage takes a request and never answers. */
final class ReplicateSignalTest {
  private static final int SURELY_SECONDS = 60;

  @TempDir Path folder;

  private ServerSocket storage;
  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void listen() throws IOException {
    storage = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    storage.setSoTimeout((int) TimeUnit.SECONDS.toMillis(SURELY_SECONDS));
  }

  @AfterEach
  void close() throws IOException {
    processes.forEach(Process::destroyForcibly);
    storage.close();
  }

  /** Returns what it says on standard error, once it was asked to end in the midst of a request. */
  private String end(int exitCode, String option) throws Exception {
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "replicate",
                option,
                folder.resolve("app.db").toString(),
                "s3://bucket/app?region=r&endpoint=http://127.0.0.1:" + storage.getLocalPort())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(err.toFile());
    builder.environment().put("AWS_ACCESS_KEY_ID", "AKIA0");
    builder.environment().put("AWS_SECRET_ACCESS_KEY", "secret");
    Process process = builder.start();
    processes.add(process);
    try (Socket asked = storage.accept()) {
      assertTrue(asked.isConnected());
      process.destroy();
      assertTrue(process.waitFor(SURELY_SECONDS, TimeUnit.SECONDS));
    }
    assertEquals(exitCode, process.exitValue());
    return Files.readString(err, StandardCharsets.UTF_8);
  }

  @Test
  void restoreThatIsUnderWay() throws Exception {
    assertEquals("", end(ExitCode.DONE, "--restore-if-db-not-exists"));
    assertFalse(Files.exists(folder.resolve("app.db")));
  }

  @Test
  void syncOfARunThatEnds() throws Exception {
    Path database = folder.resolve("app.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
    }
    assertEquals(
        "sluice: replicate: " + database + ": a signal came before it was done\n",
        end(ExitCode.FAILED, "--once"));
  }
}
