package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.bulk.BulkFile;
import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.cache.bulk.PageRun;
import dev.sluice.cache.bulk.PageSink;
import dev.sluice.cache.bulk.SummedFrames;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.cache.store.StoreReaders;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is noted of frames for whoever goes on after a failure. */
class HydrationSinkTest {
  private static final int PAGE_SIZE = 512;
  private static final int PAGES = 40;
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Txid BOUND = new Txid(1);

  @TempDir Path dir;
  private final byte[][] pages = new byte[1 + PAGES][PAGE_SIZE];
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final FileTable files = new FileTable();
  private final HydrationProgress progress = new HydrationProgress(bytes -> {}, System::nanoTime);

  /** Runs when the pages were taken, and before they are noted. */
  private Consumer<PageStore> meanwhile = store -> {};

  /** Hands on all but that a file is proven, as if the reading had ended before. */
  private final class Unproven implements PageSink {
    private final PageStore store;
    private Optional<HydrationSink> sink = Optional.empty();

    Unproven(PageStore store) {
      this.store = store;
    }

    @Override
    public List<SummedFrames> begin(BulkFile file) throws IOException {
      int number = files.numberOf(file.file());
      PageMap map =
          PageMap.EMPTY.apply(
              List.of(new PageMap.Change(number, BOUND, file.index(), file.header().commit())));
      sink = Optional.of(new HydrationSink(files, map, store, pgno -> BOUND.value(), progress));
      return sink.get().begin(file);
    }

    @Override
    public void take(PageRun run) throws IOException {
      sink.orElseThrow().take(run);
    }

    @Override
    public void taken(BulkFile file, SummedFrames frames, long[] crcs) {
      meanwhile.accept(store);
      sink.orElseThrow().taken(file, frames, crcs);
    }

    @Override
    public void proven(BulkFile file) {}
  }

  private Path replicaFolder() {
    return dir.resolve("replica");
  }

  @BeforeEach
  void writeSnapshot() throws IOException {
    Random random = new Random(5);
    SortedMap<Long, byte[]> database = new TreeMap<>();
    for (int pgno = 1; pgno <= PAGES; pgno++) {
      random.nextBytes(pages[pgno]);
      database.put((long) pgno, pages[pgno]);
    }
    TestReplicas.write(replicaFolder(), 9, TestReplicas.header(PAGE_SIZE, PAGES, 1, 1), database);
  }

  @AfterEach
  void close() {
    timer.shutdownNow();
  }

  /** Returns how many frames are noted after a file was read into a store. */
  private int noted(PageStore store) throws Exception {
    try (ReplicaClient client =
        ReplicaClients.open(
            TestReplicas.options(replicaFolder()).url(), name -> Optional.empty())) {
      List<LtxFile> listed = Listings.all(client).join();
      new BulkReader(
              client,
              new RequestMeter(),
              Retries.standard(new Random(), timer),
              BulkReader.Setup.of("sink-test", LIMIT))
          .read(listed, new Unproven(store));
      return progress.of(listed.get(0), PAGES).stream()
          .mapToInt(part -> part.frames().sum().count())
          .sum();
    }
  }

  private PageStore open() throws IOException {
    return StoreFolder.temporary(
            dir.resolve("store"), new PageStore.Spec("sink", PAGE_SIZE, StoreReaders.NONE, 1 << 20))
        .pages();
  }

  @Test
  void framesAreNotedWhenTheirPagesAreHere() throws Exception {
    try (PageStore store = open()) {
      assertEquals(PAGES, noted(store));
    }
  }

  /** Evicted, and given to a reader by a range that was damaged on its way. */
  @Test
  void framesOfWhichAnotherPageIsHereAreNotNoted() throws Exception {
    byte[] other = pages[7].clone();
    other[100] ^= 1;
    meanwhile = store -> putAnew(store, 7, other);
    try (PageStore store = open()) {
      assertEquals(0, noted(store));
    }
  }

  @Test
  void framesOfWhichTheSamePageCameAgainAreNoted() throws Exception {
    meanwhile = store -> putAnew(store, 7, pages[7]);
    try (PageStore store = open()) {
      assertEquals(PAGES, noted(store));
    }
  }

  @Test
  void framesOfWhichAPageIsGoneAreNotNoted() throws Exception {
    meanwhile = store -> store.clear(7);
    try (PageStore store = open()) {
      assertEquals(0, noted(store));
    }
  }

  private static void putAnew(PageStore store, long pgno, byte[] page) {
    store.clear(pgno);
    assertTrue(store.fill(pgno, page, 0, Proof.NONE, each -> BOUND.value()));
  }
}
