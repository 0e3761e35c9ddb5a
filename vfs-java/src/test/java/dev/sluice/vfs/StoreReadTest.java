package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
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

/** Pages that are read from the store by pread: exact, without a mapping, and never fatal. */
class StoreReadTest {
  private static final int STORE_READS = 4;
  private static final int PAGE_SIZE = 4096;
  private static final int ROWS = 2000;

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

  private String url(ImagedPrimary primary, String... parameters) {
    return Urls.jdbc(
        primary.url(),
        Stream.concat(
                Stream.of("page_cache_size=1", "cache_dir=" + cache(folder), "poll_interval=20ms"),
                Stream.of(parameters))
            .toArray(String[]::new));
  }

  private static Path cache(Path folder) {
    return folder.resolve("cache");
  }

  /** Returns the one file of pages. */
  private static Path pages(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(cache(folder))) {
      return files.filter(each -> each.endsWith("pages")).findFirst().orElseThrow();
    }
  }

  private static long storeReads() {
    try (Memory totals = new Memory(64)) {
      Libsluice.sluice_counters(Pointer.nativeValue(totals), STORE_READS + 1);
      return totals.getLong(STORE_READS * (long) Long.BYTES);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"store=disk", "store=memory", "hydration_enabled=true"})
  void everyPageIsExactAndComesFromTheStore(String how) throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, ROWS, new Random(1));
        Connection connection =
            DriverManager.getConnection(url(primary, "store_read=pread", how))) {
      for (int round = 0; round < 3; round++) {
        DatabaseContents.value(
            connection, "SELECT litestream_wait_txid('" + primary.txid() + "', 30)");
        primary.requireImage(connection);
        long gets = watch.gets();
        long hits = storeReads();
        primary.requireImage(connection);
        assertTrue(storeReads() - hits >= primary.pageCount() - 1, "they are in the store");
        assertTrue(how.startsWith("hydration") || watch.gets() == gets, "nothing was asked for");
        primary.commit();
      }
    }
    watch.awaitClosed();
    assertEquals(List.of(), log.lines());
  }

  @ParameterizedTest
  @ValueSource(strings = {"mmap", "pread"})
  @EnabledOnOs(OS.LINUX)
  void onlyMmapMapsThePages(String reading) throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, ROWS, new Random(1));
        Connection connection =
            DriverManager.getConnection(url(primary, "store_read=" + reading))) {
      primary.requireImage(connection);
      List<String> maps = Files.readAllLines(Path.of("/proc/self/maps"));
      String pages = pages(folder).toString();
      String tags = pages(folder).resolveSibling("tags").toString();
      assertTrue(maps.stream().anyMatch(line -> line.endsWith(tags)));
      assertEquals(reading.equals("mmap"), maps.stream().anyMatch(line -> line.endsWith(pages)));
    }
  }

  /**
   * Cuts the last page off the file under a connection, as a disk that fails does it in effect. The
   * arguments are a JDBC URL, the folder and the number of pages.
   */
  static final class Cutting {
    private Cutting() {}

    public static void main(String[] args) throws Exception {
      long last = (Long.parseLong(args[2]) - 1) * PAGE_SIZE;
      Sluice.register();
      try (ReplicaWatch watch = new ReplicaWatch();
          Connection kept = DriverManager.getConnection(args[0])) {
        int first = hash(args[0]);
        DatabaseContents.value(kept, "SELECT count(*) FROM sqlite_schema");
        for (long length : List.of(last + PAGE_SIZE, last + 100, last)) {
          try (RandomAccessFile file =
              new RandomAccessFile(pages(Path.of(args[1])).toFile(), "rw")) {
            file.setLength(length);
          }
          long gets = watch.gets();
          boolean isSame = hash(args[0]) == first;
          System.out.println(isSame + " " + (watch.gets() - gets));
        }
      }
    }

    /** By a connection of its own, which has no page yet. */
    private static int hash(String url) throws SQLException {
      try (Connection connection = DriverManager.getConnection(url)) {
        return Arrays.hashCode(connection.unwrap(SQLiteConnection.class).serialize("main"));
      }
    }
  }

  @Test
  void aPageThatCannotBeReadComesFromTheReplica() throws Exception {
    try (ImagedPrimary primary = new ImagedPrimary(folder, PAGE_SIZE, ROWS, new Random(1))) {
      int pages = primary.pageCount();
      Process child =
          ChildProgram.start(
              folder, Cutting.class, url(primary, "store_read=pread"), folder + "", pages + "");
      List<String> said =
          new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .toList();
      assertEquals(0, child.waitFor(), said::toString);
      assertEquals(4, said.size(), said::toString);
      assertEquals("true 0", said.get(0), "all is in the store");
      String warning = ": read page " + pages + ": the file ends before " + pages * PAGE_SIZE;
      assertTrue(said.get(1).contains("WARN PageStore"), said::toString);
      assertTrue(said.get(1).contains(warning), said::toString);
      assertEquals(List.of("true 1", "true 1"), said.subList(2, 4));
    }
  }
}
