package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteConnection;

/** Where a page store is, and what happens when there is little room or none. */
class StoreSizeTest {
  private static final int STORE_READS = 4;
  private static final int LEAF_TABLE = 13;
  private static final int INTERIOR_TABLE = 5;

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

  private Path cache() {
    return folder.resolve("cache");
  }

  private String url(ImagedPrimary primary, String... parameters) {
    List<String> all = new ArrayList<>(List.of("page_cache_size=1", "cache_dir=" + cache()));
    all.addAll(List.of(parameters));
    return Urls.jdbc(primary.url(), all.toArray(String[]::new));
  }

  private static long storeReads() {
    try (Memory totals = new Memory(64)) {
      Libsluice.sluice_counters(Pointer.nativeValue(totals), STORE_READS + 1);
      return totals.getLong(STORE_READS * (long) Long.BYTES);
    }
  }

  /** Reads rows that are there whatever the primary has committed, which may delete a quarter. */
  private static void readAnything(Connection connection, int rows, Random random, int times)
      throws SQLException {
    int kept = rows - rows / 4;
    try (Statement sql = connection.createStatement()) {
      for (int i = 0; i < times; i++) {
        assertTrue(
            sql.executeQuery("SELECT payload FROM t WHERE id = " + (1 + random.nextInt(kept)))
                .next());
      }
    }
  }

  private Path store() throws IOException {
    try (Stream<Path> files = Files.list(cache())) {
      return files.findFirst().orElseThrow().resolve("store-1");
    }
  }

  /** Returns the bytes of the disk that a file takes. */
  private static long diskBytes(Path file) throws Exception {
    Process du = new ProcessBuilder("du", "-B1", file.toString()).start();
    String said = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, du.waitFor());
    return Long.parseLong(said.substring(0, said.indexOf('\t')));
  }

  /** Returns the share of the pages of a kind that are in the store. */
  private double share(ImagedPrimary primary, int type) throws IOException {
    ByteBuffer tags =
        ByteBuffer.wrap(Files.readAllBytes(store().resolve("tags"))).order(ByteOrder.nativeOrder());
    int all = 0;
    int here = 0;
    for (int pgno = 2; pgno <= primary.pageCount(); pgno++) {
      if (primary.page(pgno)[0] == type) {
        all++;
        here += tags.getLong((pgno - 1) * Long.BYTES) >>> 16 == 0 ? 0 : 1;
      }
    }
    return here / (double) all;
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aSmallStoreStaysSmallAndRight(@Seeded("sluice.seed") Seed seed) throws Exception {
    int rows = 45_000;
    long size = 1 << 20;
    Random random = seed.random();
    try (ImagedPrimary primary = new ImagedPrimary(folder, 4096, rows, random);
        Connection connection =
            DriverManager.getConnection(url(primary, "store_size=1MiB", "poll_interval=20ms"))) {
      assertTrue(primary.pageCount() * 4096L > 18 * size);
      for (int round = 0; round < 3; round++) {
        primary.requireImage(connection);
        readAnything(connection, rows, random, 2000);
        long taken = diskBytes(store().resolve("pages"));
        assertTrue(taken <= size + (64 << 10), taken + " bytes");
        assertTrue(taken >= size / 2, taken + " bytes");
        double interior = share(primary, INTERIOR_TABLE);
        double leaves = share(primary, LEAF_TABLE);
        assertTrue(interior > 0.8 && leaves < 0.1, interior + " and " + leaves);
        primary.commit();
      }
    }
    watch.awaitClosed();
    assertEquals(List.of(), log.lines());
  }

  /** A page of 512 bytes takes 4 KiB of a disk if its neighbours are not there. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void smallPagesTakeNoMoreThanTheyMay(@Seeded("sluice.seed") Seed seed) throws Exception {
    int rows = 18_000;
    long size = 1 << 20;
    Random random = seed.random();
    try (ImagedPrimary primary = new ImagedPrimary(folder, 512, rows, random);
        Connection connection = DriverManager.getConnection(url(primary, "store_size=1MiB"))) {
      for (int round = 0; round < 3; round++) {
        readAnything(connection, rows, random, 4000);
        long taken = diskBytes(store().resolve("pages"));
        assertTrue(taken <= size + (64 << 10), taken + " bytes");
        assertTrue(taken >= size / 2, taken + " bytes");
        primary.requireImage(connection);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "off"})
  void withoutTheDiskNoFileIsLeft(String place) throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, 4096, 1000, new Random(1));
        Connection connection = DriverManager.getConnection(url(primary, "store=" + place))) {
      primary.requireImage(connection);
      long hits = storeReads();
      primary.requireImage(connection);
      long pages = storeReads() - hits;
      assertTrue(place.equals("off") ? pages == 0 : pages >= primary.pageCount() - 1, pages + "");
      assertFalse(Files.exists(cache()));
    }
    watch.awaitClosed();
    assertFalse(Files.exists(cache()));
  }

  @Test
  void thePagesAreWhereTheUserSays() throws Exception {
    Path path = folder.resolve("here/app.db");
    Files.createDirectories(folder.resolve("here"));
    try (ImagedPrimary primary = new ImagedPrimary(folder, 4096, 1000, new Random(1))) {
      for (int i = 0; i < 2; i++) {
        try (Connection connection =
            DriverManager.getConnection(url(primary, "hydration_path=" + path))) {
          DatabaseContents.value(connection, "SELECT litestream_txid()");
          long gets = watch.gets();
          primary.requireImage(connection);
          assertEquals(i == 0, gets < watch.gets());
        }
        watch.awaitClosed();
      }
      byte[] bytes = Files.readAllBytes(path);
      for (int pgno = 2; pgno <= primary.pageCount(); pgno++) {
        assertEquals(
            ByteBuffer.wrap(primary.page(pgno)),
            ByteBuffer.wrap(bytes, (pgno - 1) * 4096, 4096),
            "page " + pgno);
      }
      assertFalse(Files.exists(cache()));
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aCacheDirectoryThatCannotBeMadeIsOneWarning() throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, 4096, 200, new Random(1));
        Connection connection =
            DriverManager.getConnection(
                Urls.jdbc(primary.url(), "cache_dir=/proc/sluice", "poll_interval=10ms"))) {
      for (int i = 0; i < 5; i++) {
        primary.requireImage(connection);
        primary.commit();
      }
    }
    watch.awaitClosed();
    assertEquals(1, log.lines().size(), log.lines()::toString);
    assertTrue(log.lines().get(0).startsWith("WARN no page store of "), log.lines()::toString);
  }

  /** Reads a whole database twice and says how much of it came from the store. */
  static final class Scan {
    private Scan() {}

    public static void main(String[] args) throws SQLException {
      Sluice.register();
      try (Connection connection = DriverManager.getConnection(args[0])) {
        SQLiteConnection sqlite = connection.unwrap(SQLiteConnection.class);
        int first = Arrays.hashCode(sqlite.serialize("main"));
        long before = storeReads();
        int second = Arrays.hashCode(sqlite.serialize("main"));
        System.out.println((first == second) + " " + (storeReads() - before));
        System.out.println(DatabaseContents.value(connection, "PRAGMA integrity_check"));
      }
    }
  }

  @Test
  void aFullDiskIsOneWarningAndReadsGoOn() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs bash");
    try (ImagedPrimary primary = new ImagedPrimary(folder, 512, 18_000, new Random(1))) {
      assertTrue(primary.pageCount() > 17_000, "it has two chunks");
      List<String> limited = List.of("/bin/bash", "-c", "ulimit -f 10000; exec \"$0\" \"$@\"");
      Process child = ChildProgram.start(folder, limited, Scan.class, url(primary));
      List<String> said =
          new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .toList();
      assertEquals(0, child.waitFor(), said::toString);
      assertEquals(3, said.size(), said::toString);
      assertTrue(said.get(0).startsWith("WARN PageStore page store "), said::toString);
      assertTrue(said.get(1).startsWith("true "), said::toString);
      long hits = Long.parseLong(said.get(1).substring("true ".length()));
      assertTrue(hits > 0 && hits < 17_000, "what came before is there: " + hits);
      assertEquals("ok", said.get(2));
    }
  }
}
