package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who opens a page store looks through the cache directory. */
class StoreTidyTest {
  private static final int PAGE_SIZE = 512;

  @TempDir Path dir;

  @Test
  void whoOpensAStoreRemovesWhatAKilledProcessLeft() throws IOException {
    TreeMap<Long, byte[]> pages = new TreeMap<>();
    pages.put(1L, new byte[PAGE_SIZE]);
    TestReplicas.write(dir.resolve("replica"), 0, TestReplicas.header(PAGE_SIZE, 1, 1, 1), pages);
    Path cache = dir.resolve("cache");
    Files.createDirectories(cache.resolve("private-01234567-89ab-4def-8edc-ba9876543210"));
    ReplicaOptions options = TestReplicas.options(dir.resolve("replica")).withCacheDirectory(cache);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options);
      replica.latest();
      try (Stream<Path> files = Files.list(cache)) {
        assertEquals(List.of(options.storeFolder()), files.toList());
      }
      replicas.release(replica);
    }
  }
}
