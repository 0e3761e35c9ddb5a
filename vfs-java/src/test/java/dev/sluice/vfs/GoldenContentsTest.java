package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Replicas that Litestream's own code wrote, at every TXID that can be restored: what JDBC shows
 * through the VFS is what SQLite shows of the restored file, whose SHA-256 is the golden one.
 */
class GoldenContentsTest {
  @TempDir Path folder;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  static List<Golden> goldens() {
    return Golden.all();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void everyTxidOfADirectory(Golden golden) throws IOException, SQLException {
    requireImages("file:" + golden.copyTo(folder.resolve("replica")), golden.images());
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void everyTxidOfABucket(Golden golden) throws IOException, SQLException {
    requireImages(TestBucket.of(golden.files()).url(), golden.images());
  }

  /**
   * Files of one history in all the forms it was written: both kinds of frames, checksummed or not,
   * compacted or not, a full image.
   */
  @Test
  void mixedChains() throws IOException, SQLException {
    Map<String, String> images = Golden.named("incr-4096").images();
    List<List<GoldenFile>> chains =
        List.of(
            chain(Map.of("legacy-4096", "1-5", "sum-4096", "6-8", "incr-4096", "9-a")),
            chain(
                Map.of(
                    "sum-4096",
                    "1-3",
                    "fullimage-4096",
                    "4-4",
                    "incr-4096",
                    "5-7",
                    "levels-incr-4096",
                    "8-a")),
            chain(Map.of("legacy-4096", "1-2", "incr-4096", "3-4", "fullimage-4096", "5-a")),
            union("levels-incr-4096", "legacy-4096", "sum-4096"));
    for (int i = 0; i < chains.size(); i++) {
      Path replica = Golden.copyTo(folder.resolve("chain" + i), chains.get(i));
      requireImages("file:" + replica, images);
    }
  }

  private void requireImages(String url, Map<String, String> images)
      throws IOException, SQLException {
    for (Map.Entry<String, String> image : images.entrySet()) {
      Path restored = Restored.at(url, image.getKey(), folder.resolve(image.getKey() + ".db"));
      assertEquals(
          image.getValue(), Restored.sha256(restored), () -> url + " at " + image.getKey());
      DatabaseContents expected = DatabaseContents.of(restored);
      try (Connection connection =
          DriverManager.getConnection(Urls.jdbc(url, "txid=" + image.getKey()))) {
        assertEquals(
            expected, DatabaseContents.of(connection), () -> url + " at " + image.getKey());
        assertEquals(
            image.getKey(), DatabaseContents.value(connection, "SELECT litestream_txid()"));
      }
      Files.delete(restored);
    }
  }

  /** Returns files of level 0 and others whose TXIDs lie in the ranges, golden by golden. */
  private static List<GoldenFile> chain(Map<String, String> ranges) {
    List<GoldenFile> files = new ArrayList<>();
    new TreeMap<>(ranges)
        .forEach(
            (name, range) -> {
              long min = Long.parseUnsignedLong(range.substring(0, 1), 16);
              long max = Long.parseUnsignedLong(range.substring(2), 16);
              for (GoldenFile file : Golden.named(name).files()) {
                if (Long.parseUnsignedLong(file.minTxid(), 16) >= min
                    && Long.parseUnsignedLong(file.maxTxid(), 16) <= max) {
                  files.add(file);
                }
              }
            });
    return files;
  }

  private static List<GoldenFile> union(String... names) {
    Map<String, GoldenFile> files = new TreeMap<>();
    for (String name : names) {
      for (GoldenFile file : Golden.named(name).files()) {
        files.putIfAbsent(file.level() + "/" + file.name(), file);
      }
    }
    return List.copyOf(files.values());
  }
}
