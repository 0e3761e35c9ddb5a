package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Crc64;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hydration that ended in the middle of a large file goes on where it was. */
class HydrationResumeTest {
  private static final int PAGE_SIZE = 4096;
  private static final int PAGES = 4000;

  /** Far less than the file has, as fast as it may. */
  private static final long SLOW_BYTES_PER_SECOND = 4_000_000;

  @TempDir Path dir;
  private Path replicaFolder = Path.of("");
  private final SortedMap<Long, byte[]> database = new TreeMap<>();
  private final Random random = new Random(3);
  private long fileBytes;

  /** A snapshot that nothing makes smaller. */
  @BeforeEach
  void writeSnapshot() throws IOException {
    replicaFolder = dir.resolve("replica");
    for (long pgno = 1; pgno <= PAGES; pgno++) {
      byte[] page = new byte[PAGE_SIZE];
      random.nextBytes(page);
      database.put(pgno, page);
    }
    TestReplicas.write(replicaFolder, 9, TestReplicas.header(PAGE_SIZE, PAGES, 1, 1), database);
    fileBytes = Files.size(TestReplicas.file(replicaFolder, 9, 1, 1));
  }

  private ReplicaOptions options(long bytesPerSecond) {
    return TestReplicas.options(replicaFolder)
        .withCacheDirectory(dir.resolve("cache"))
        .withPollInterval(Duration.ofMillis(20))
        .withStore(StoreOptions.DEFAULT.hydrated(true).withHydrationBytesPerSecond(bytesPerSecond));
  }

  /** Hydrates until a third is there; returns how many bytes came. */
  private long hydrateAThird() throws Exception {
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options(SLOW_BYTES_PER_SECOND));
      replica.latest();
      TestReplicas.await(() -> replica.hydrationPercent() > 33);
      replicas.release(replica);
      assertTrue(replica.ended().get());
      return replica.requests().bytes();
    }
  }

  /** Hydrates all; returns how many bytes came. */
  private long hydrate() throws IOException, InterruptedException, ExecutionException {
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(options(Long.MAX_VALUE));
      View view = replica.latest();
      TestReplicas.await(() -> replica.hydrationPercent() == 100);
      byte[] stored = new byte[(int) view.commit() * PAGE_SIZE];
      try (RandomAccessFile file =
          new RandomAccessFile(replica.hydrationFile().orElseThrow().toFile(), "r")) {
        file.readFully(stored);
      }
      assertArrayEquals(all(), stored);
      replicas.release(replica);
      assertTrue(replica.ended().get());
      return replica.requests().bytes();
    }
  }

  private byte[] all() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    database.values().forEach(all::writeBytes);
    return all.toByteArray();
  }

  private Path stored(String name) throws IOException {
    try (Stream<Path> files = Files.walk(dir.resolve("cache"))) {
      return files.filter(file -> file.endsWith(name)).findFirst().orElseThrow();
    }
  }

  @Test
  void whatWasDecodedIsNotReadAgain() throws Exception {
    long first = hydrateAThird();
    long second = hydrate();
    assertTrue(first > fileBytes / 4, () -> first + " of " + fileBytes);
    assertTrue(first + second < fileBytes * 5 / 4, () -> first + " and " + second);
  }

  @Test
  void withoutARecordAllIsReadAgain() throws Exception {
    hydrateAThird();
    Files.delete(stored("hydration"));
    long second = hydrate();
    assertTrue(second > fileBytes * 3 / 4, () -> second + " of " + fileBytes);
  }

  @Test
  void damagedRecordIsNone() throws Exception {
    hydrateAThird();
    byte[] record = Files.readAllBytes(stored("hydration"));
    record[record.length / 2] ^= 4;
    Files.write(stored("hydration"), record);
    hydrate();
  }

  /** Pages that are there, and were not as they are now when their frames were decoded. */
  @Test
  void pagesThatAreNotAsTheyWereComeAgain() throws Exception {
    hydrateAThird();
    try (RandomAccessFile pages = new RandomAccessFile(stored("pages").toFile(), "rw")) {
      for (long pgno = 2; pgno <= PAGES / 3; pgno += 100) {
        pages.seek((pgno - 1) * PAGE_SIZE + 7);
        pages.write(1);
      }
    }
    hydrate();
  }

  /** As if the page had come again, by a range of its file, and had been damaged on its way. */
  @Test
  void pageThatIsNotTheOneOfTheSumComesAgain() throws Exception {
    hydrateAThird();
    byte[] page = new byte[PAGE_SIZE];
    random.nextBytes(page);
    try (RandomAccessFile pages = new RandomAccessFile(stored("pages").toFile(), "rw");
        RandomAccessFile sums = new RandomAccessFile(stored("sums").toFile(), "rw")) {
      pages.seek(99 * PAGE_SIZE);
      pages.write(page);
      long sum = Crc64.of(page) & ~7L; // flags: neither proven nor unchecked
      sums.seek(99 * Long.BYTES);
      sums.writeLong(
          ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? sum : Long.reverseBytes(sum));
    }
    hydrate();
  }

  @Test
  void transactionsBetweenAreSeen() throws Exception {
    long first = hydrateAThird();
    SortedMap<Long, byte[]> changed = new TreeMap<>();
    byte[] page = new byte[PAGE_SIZE];
    random.nextBytes(page);
    changed.put(PAGES / 10L, page);
    database.putAll(changed);
    TestReplicas.write(replicaFolder, 0, TestReplicas.header(PAGE_SIZE, PAGES, 2, 2), changed);
    long second = hydrate();
    assertTrue(first + second < fileBytes * 7 / 4, () -> first + " and " + second);
  }

  /** Another file of the same name: of another version, so nothing of the other counts. */
  @Test
  void recordIsOfOneVersionOfAFile() throws Exception {
    hydrateAThird();
    for (Map.Entry<Long, byte[]> entry : database.entrySet()) {
      if (entry.getKey() > 1) {
        random.nextBytes(entry.getValue());
      }
    }
    TestReplicas.write(replicaFolder, 9, TestReplicas.header(PAGE_SIZE, PAGES, 1, 1), database);
    long second = hydrate();
    assertTrue(second > fileBytes * 3 / 4, () -> second + " of " + fileBytes);
  }
}
