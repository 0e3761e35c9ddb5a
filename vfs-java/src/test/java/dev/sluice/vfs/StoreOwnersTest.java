package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One folder of a page store, and all who want it: processes, class loaders, openings in a row. */
class StoreOwnersTest {
  private static final int PAGE_SIZE = 512;
  private static final int ROWS = 400;

  /** So that there is a second chunk. */
  private static final int MANY_ROWS = 18_000;

  private static final int STORE_READS = 4;

  @TempDir Path folder;
  private final ReplicaWatch watch = new ReplicaWatch();
  private final WarningsSeen log = new WarningsSeen("dev.sluice.cache");

  @BeforeEach
  void register() {
    Sluice.register();
  }

  @AfterEach
  void unregister() {
    log.close();
    watch.close();
    Sluice.unregister();
  }

  private String url(ImagedPrimary primary) {
    return Urls.jdbc(
        primary.url(), "poll_interval=20ms", "page_cache_size=1", "cache_dir=" + cache());
  }

  private Path cache() {
    return folder.resolve("cache");
  }

  /** Returns the folder of the one replica. */
  private Path store() throws IOException {
    try (Stream<Path> files = Files.list(cache())) {
      return files.findFirst().orElseThrow();
    }
  }

  private List<String> stores() throws IOException {
    try (Stream<Path> files = Files.list(store())) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static long storeReads() {
    try (Memory totals = new Memory(64)) {
      Libsluice.sluice_counters(Pointer.nativeValue(totals), STORE_READS + 1);
      return totals.getLong(STORE_READS * (long) Long.BYTES);
    }
  }

  /** Says on its output whether it could own the folder that its argument names. */
  static final class Claimant {
    private Claimant() {}

    public static void main(String[] args) throws IOException {
      System.out.println(
          StoreFolder.own(Path.of(args[0]), Optional.empty(), Duration.ZERO).isPresent());
    }
  }

  private boolean canAnotherProcessOwn() throws Exception {
    Process child = ChildProgram.start(folder, Claimant.class, store().toString());
    String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, child.waitFor(), said);
    return Boolean.parseBoolean(said.strip());
  }

  @Test
  void aSecondProcessHasATemporaryStore() throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, ROWS, new Random(1))) {
      Process first = ChildProgram.start(folder, StoreProgram.class, url(primary), ROWS + "", "1");
      try (BufferedReader output = first.inputReader(StandardCharsets.UTF_8)) {
        assertEquals("open", output.readLine());
        try (Connection second = DriverManager.getConnection(url(primary))) {
          primary.requireImage(second);
          long gets = watch.gets();
          primary.requireImage(second);
          assertEquals(gets, watch.gets(), "the temporary store has everything");
          first.outputWriter().close(); // ends it
          assertEquals("", String.join("\n", output.lines().toList()));
          assertEquals(0, first.waitFor());
          primary.commit();
          primary.requireImage(second);
        }
      } finally {
        first.destroyForcibly();
      }
      watch.awaitClosed();
      assertEquals(1, log.lines().size(), log.lines()::toString);
      assertTrue(log.lines().get(0).startsWith("INFO page store of "), log.lines()::toString);
      assertEquals(List.of("owner", "store-1"), stores());
      try (Connection third = DriverManager.getConnection(url(primary))) {
        primary.requireImage(third);
        assertTrue(Files.size(store().resolve("store-1/tags")) > 0);
        assertEquals(false, canAnotherProcessOwn());
      }
      watch.awaitClosed();
      assertEquals(true, canAnotherProcessOwn());
      assertEquals(1, log.lines().size(), log.lines()::toString);
    }
  }

  @Test
  void anotherClassLoaderDoesNotDropTheLock() throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, ROWS, new Random(1));
        Connection connection = DriverManager.getConnection(url(primary))) {
      primary.requireImage(connection);
      List<URL> urls = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
        urls.add(Path.of(entry).toUri().toURL());
      }
      try (URLClassLoader other =
          new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
        Object owned =
            other
                .loadClass(StoreFolder.class.getName())
                .getMethod("own", Path.class, Optional.class, Duration.class)
                .invoke(null, store(), Optional.empty(), Duration.ZERO);
        assertEquals(Optional.empty(), owned);
      }
      assertEquals(false, canAnotherProcessOwn());
    }
  }

  @Test
  void whatIsReopenedAtOnceOwnsItsFolder() throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, ROWS, new Random(1))) {
      for (int i = 0; i < 100; i++) {
        try (Connection connection = DriverManager.getConnection(url(primary))) {
          DatabaseContents.value(connection, "SELECT litestream_txid()");
          long gets = watch.gets();
          primary.requireImage(connection);
          assertTrue(i == 0 || gets == watch.gets(), "time " + i);
        }
      }
      watch.awaitClosed();
      assertEquals(List.of("owner", "store-1"), stores());
      assertEquals(List.of(), log.lines());
    }
  }

  @Test
  void interruptsBreakNothing(@Seeded("sluice.seed") Seed seed) throws Exception {
    Random random = seed.random();
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, MANY_ROWS, random);
        Connection calm = DriverManager.getConnection(url(primary))) {
      assertTrue(primary.pageCount() > 16_384, "it has two chunks");
      List<Thread> readers = new ArrayList<>();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
      for (int i = 0; i < 3; i++) {
        Random ids = new Random(random.nextLong());
        readers.add(new Thread(() -> readHindered(primary, ids, end)));
      }
      readers.forEach(Thread::start);
      while (System.nanoTime() - end < 0) {
        readers.get(random.nextInt(readers.size())).interrupt();
        try (Statement sql = calm.createStatement();
            ResultSet row =
                sql.executeQuery(
                    "SELECT length(payload) FROM t WHERE id = "
                        + (1 + random.nextInt(MANY_ROWS)))) {
          assertTrue(row.next());
          assertEquals(400, row.getInt(1));
        }
      }
      for (Thread reader : readers) {
        reader.join();
      }
      primary.commit();
      long followedNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (!primary.requireImage(calm).equals(primary.txid())) {
        assertTrue(System.nanoTime() - followedNanos < 0, "it is not followed");
      }
      long gets = watch.gets();
      long hits = storeReads();
      primary.requireImage(calm);
      assertEquals(gets, watch.gets());
      assertTrue(storeReads() - hits >= primary.pageCount() - 1, "all but page 1 is copied in C");
      assertEquals(false, canAnotherProcessOwn());
    }
    watch.awaitClosed();
    assertEquals(List.of("owner", "store-1"), stores());
    assertEquals(List.of(), log.lines());
  }

  /** Reads on, whatever an interrupt breaks off. */
  private void readHindered(ImagedPrimary primary, Random random, long end) {
    while (System.nanoTime() - end < 0) {
      try (Connection connection = DriverManager.getConnection(url(primary));
          Statement sql = connection.createStatement()) {
        for (int i = 0; i < 100; i++) {
          sql.executeQuery("SELECT payload FROM t WHERE id = " + random.nextInt(MANY_ROWS)).next();
        }
      } catch (SQLException e) {
        Thread.interrupted(); // that is why
      }
    }
  }
}
