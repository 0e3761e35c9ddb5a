package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What application servers do to a library: pools, threads, ends in any order. */
final class LifeInAServerTest {
  private static final Golden HISTORY = Golden.named("live-gens-1024");
  private static final String NEWEST = "0000000000000042";

  /** A control is 262 KB. */
  private static final long HUNDRED_CONTROLS = 26_000_000;

  /** Where the heap of a JVM with less than 32 GB ends at the latest. */
  private static final long HEAP_END = 1L << 35;

  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

  @TempDir Path folder;
  private Path replica = Path.of("");

  @BeforeEach
  void makeReplica() {
    replica = HISTORY.copyTo(folder.resolve("replica"));
    Sluice.register();
  }

  @AfterEach
  void unregister() {
    Sluice.unregister();
  }

  /** A cache that holds no page: every read goes up to Java and to the file. */
  private String url(String... parameters) {
    List<String> all = new ArrayList<>(List.of("page_cache_size=1KiB", "poll_interval=20ms"));
    all.addAll(List.of(parameters));
    return Urls.jdbc("file:" + replica, all.toArray(String[]::new));
  }

  private static void await(String what, BooleanSupplier isSo) {
    long begunNanos = System.nanoTime();
    while (!isSo.getAsBoolean()) {
      assertTrue(System.nanoTime() - begunNanos < TimeUnit.SECONDS.toNanos(30), what);
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"org.sqlite.JDBC", "dev.sluice.vfs.SluiceDriver"})
  void aPoolServesManyThreads(String driverClass) throws Exception {
    HikariConfig config = new HikariConfig();
    config.setDriverClassName(driverClass);
    config.setJdbcUrl(url());
    config.setMaximumPoolSize(4);
    config.setMaxLifetime(30_000);
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      List<Future<String>> answers = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        answers.add(threads.submit(() -> txidAndCheck(pool)));
      }
      for (Future<String> answer : answers) {
        assertEquals(NEWEST + " ok", answer.get(60, TimeUnit.SECONDS));
      }
    } finally {
      threads.shutdownNow();
    }
    awaitNoThread();
  }

  private static String txidAndCheck(HikariDataSource pool) throws SQLException {
    try (Connection connection = pool.getConnection()) {
      return DatabaseContents.value(connection, "SELECT litestream_txid()")
          + " "
          + DatabaseContents.value(connection, "PRAGMA quick_check");
    }
  }

  private static void awaitNoThread() {
    await(
        "no thread of a replica is left",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("replica-")));
  }

  @Test
  void everythingMayBeClosedInAnyOrderFromAnyThread(@Seeded("sluice.seed") Seed seed)
      throws Exception {
    Random random = seed.random();
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      for (int round = 0; round < 40; round++) {
        OpenReplica held = Sluice.open(ReplicaOptions.of(ReplicaUrl.parse("file:" + replica)));
        Connection connection = DriverManager.getConnection(held.jdbcUrl());
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM sqlite_schema");
        List<AutoCloseable> open =
            new ArrayList<>(List.of(held, connection, statement, rows, Sluice::unregister));
        Collections.shuffle(open, random);
        List<Future<?>> ends = new ArrayList<>();
        for (AutoCloseable one : open) {
          ends.add(threads.submit(() -> closeTwice(one)));
        }
        for (Future<?> end : ends) {
          end.get(60, TimeUnit.SECONDS);
        }
        try (Connection next = DriverManager.getConnection(url())) {
          assertEquals(NEWEST, DatabaseContents.value(next, "SELECT litestream_txid()"));
        }
      }
    } finally {
      threads.shutdownNow();
    }
    awaitNoThread();
  }

  private static Void closeTwice(AutoCloseable one) throws Exception {
    one.close();
    one.close();
    return null;
  }

  /** The JVM's own memory grows now and then; what every life leaves behind grows every time. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void nothingIsLeftOfAHundredLives() throws Exception {
    live(20);
    awaitNoThread();
    long descriptors = descriptorCount();
    long leastGrowth = Long.MAX_VALUE;
    for (int round = 0; round < 3 && leastGrowth > HUNDRED_CONTROLS / 2; round++) {
      long before = nativeBytes();
      live(100);
      awaitNoThread();
      leastGrowth = Math.min(leastGrowth, nativeBytes() - before);
    }
    await("no descriptor is left", () -> descriptorCount() <= descriptors);
    long growth = leastGrowth;
    assertTrue(
        growth <= HUNDRED_CONTROLS / 2,
        () -> "a hundred lives map " + growth + " bytes more, each time");
  }

  /** Registers, opens the newest and a past view, reads and ends everything, so many times. */
  private void live(int times) throws SQLException {
    for (int i = 0; i < times; i++) {
      Sluice.register();
      try (Connection newest = DriverManager.getConnection(url());
          Connection past = DriverManager.getConnection(url("txid=20"))) {
        assertEquals("ok", DatabaseContents.value(newest, "PRAGMA quick_check"));
        assertEquals("ok", DatabaseContents.value(past, "PRAGMA quick_check"));
      }
      if (i % 2 == 0) {
        Sluice.unregister();
      }
    }
  }

  private static long descriptorCount() {
    try (Stream<Path> all = Files.list(DESCRIPTORS)) {
      return all.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the size of writable anonymous mappings above the Java heap, which lies low. */
  private static long nativeBytes() throws IOException {
    long bytes = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      String[] fields = line.split("\\s+", -1);
      String[] ends = fields[0].split("-", -1);
      long from = Long.parseUnsignedLong(ends[0], 16);
      if (fields.length == 5 && fields[1].startsWith("rw") && from > HEAP_END) {
        bytes += Long.parseUnsignedLong(ends[1], 16) - from;
      }
    }
    return bytes;
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aChildInheritsNoDescriptor() throws Exception {
    try (Connection connection = DriverManager.getConnection(url());
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM sqlite_schema")) {
      assertTrue(rows.next());
      Process child = new ProcessBuilder("ls", "/proc/self/fd").redirectErrorStream(true).start();
      String listed = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, child.waitFor());
      assertEquals(List.of("0", "1", "2", "3"), listed.lines().toList(), "3 is ls's own");
      assertEquals("ok", DatabaseContents.value(connection, "PRAGMA integrity_check"));
    }
  }

  @ParameterizedTest
  @CsvSource({"exit, 7", "wait, 143"})
  @EnabledOnOs(OS.LINUX)
  void aServerEndsWhileQueriesRun(String end, int expectedCode) throws Exception {
    for (int round = 0; round < 3; round++) {
      Process server = start(end);
      try (BufferedReader output = server.inputReader(StandardCharsets.UTF_8)) {
        assertEquals("ready", output.readLine());
        if (end.equals("wait")) {
          server.toHandle().destroy(); // Process.destroy() closes the output too
        }
        assertTrue(server.waitFor(30, TimeUnit.SECONDS), "it hangs");
        assertEquals("", String.join("\n", output.lines().toList()));
      } finally {
        server.destroyForcibly();
      }
      assertEquals(expectedCode, server.exitValue());
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of(),
          files.filter(file -> file.getFileName().toString().contains("hs_err")).toList());
    }
  }

  private Process start(String end) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED"); // else the JVM warns
    }
    for (String property : List.of(LibraryFile.DIRECTORY_PROPERTY, LibraryFile.LIBRARY_PROPERTY)) {
      command.add("-D" + property + "=" + System.getProperty(property, ""));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(ServerProgram.class.getName(), url(), end));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().remove("JAVA_TOOL_OPTIONS"); // the JVM prints that it saw them
    return builder.directory(folder.toFile()).redirectErrorStream(true).start();
  }
}
