package dev.sluice.cache.bulk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.TestReplicas;
import dev.sluice.ltx.FrameSum;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file is read as far as it was not read before. */
class BulkResumeTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Limits TINY = new Limits(40_000, 9_000, 3);

  @TempDir Path dir;

  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final Resumed first = new Resumed(List.of());
  private ReplicaClient client = open(Path.of("/not-there"));
  private List<LtxFile> files = List.of();

  /** Has some frames before anything comes. */
  private static final class Resumed extends CollectedPages {
    private final Collection<SummedFrames> had;
    private final TreeMap<Integer, SummedFrames> taken = new TreeMap<>();

    Resumed(Collection<SummedFrames> had) {
      this.had = had;
    }

    @Override
    public synchronized List<SummedFrames> begin(BulkFile file) {
      super.begin(file);
      return List.copyOf(had);
    }

    @Override
    public synchronized void taken(BulkFile file, SummedFrames frames, long[] crcs) {
      taken.put(frames.first(), frames);
    }

    @Override
    public synchronized void proven(BulkFile file) {
      int count = had.stream().mapToInt(frames -> frames.sum().count()).sum();
      assertEquals(file.index().count() - count, pages(file.file()).size());
    }
  }

  private static ReplicaClient open(Path replica) {
    return ReplicaClients.open(TestReplicas.options(replica).url(), name -> Optional.empty());
  }

  @BeforeEach
  void readOnce() throws Exception {
    Path replica = Golden.named("rand-4096").copyTo(dir);
    client = open(replica);
    files =
        List.of(
            Listings.all(client).join().stream()
                .max((a, b) -> Long.compare(a.size(), b.size()))
                .orElseThrow());
    read(first);
    assertTrue(first.taken.size() > 20, () -> first.taken.size() + " parts");
  }

  @AfterEach
  void close() {
    client.close();
    timer.shutdownNow();
  }

  private void read(Resumed sink) throws Exception {
    BulkReader reader =
        new BulkReader(
            client,
            new RequestMeter(),
            Retries.standard(new Random(), timer),
            BulkReader.Setup.of("bulk-test", LIMIT).withThreads(2).withLimits(TINY));
    assertTimeoutPreemptively(LIMIT, () -> reader.read(files, sink));
  }

  @Test
  void onlyWhatIsMissingComes(@Seeded("sluice.seed") Seed seed) throws Exception {
    Random random = seed.random();
    SortedMap<Long, byte[]> all = first.pages(files.get(0));
    for (int round = 0; round < 20; round++) {
      int share = random.nextInt(5);
      List<SummedFrames> had = new ArrayList<>(first.taken.values());
      had.removeIf(frames -> random.nextInt(4) >= share);
      Resumed again = new Resumed(had);
      read(again);
      assertEquals(files.get(0).size(), again.arrivedBytes());
      again.pages(files.get(0)).forEach((pgno, page) -> assertArrayEquals(all.get(pgno), page));
      assertTrue(again.taken.values().stream().allMatch(frames -> frames.sum().count() > 0));
    }
  }

  @Test
  void nothingButTheMarkComesIfAllIsThere() throws Exception {
    Resumed again = new Resumed(first.taken.values());
    read(again);
    assertEquals(0, again.pages(files.get(0)).size());
    assertEquals(0, again.taken.size(), "the mark is no frame");
  }

  @Test
  void framesThatWereOthersDoNotProveTheFile() {
    List<SummedFrames> had = new ArrayList<>(first.taken.values());
    FrameSum sum = had.get(3).sum();
    had.set(
        3,
        new SummedFrames(
            had.get(3).first(),
            new FrameSum(sum.count(), sum.crc() ^ 1, sum.bytes(), sum.databaseChecksum())));
    assertThrows(LtxFormatException.class, () -> read(new Resumed(had)));
  }
}
