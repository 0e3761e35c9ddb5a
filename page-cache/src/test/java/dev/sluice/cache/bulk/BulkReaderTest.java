package dev.sluice.cache.bulk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.TestReplicas;
import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BulkReaderTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Limits TINY = new Limits(40_000, 9_000, 3);

  @TempDir Path dir;

  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final RequestMeter meter = new RequestMeter();

  static List<Golden> goldens() {
    return Golden.all();
  }

  @AfterEach
  void close() {
    timer.shutdownNow();
    requireNoThreads();
  }

  /** They have done their last work when a reading returns; the system ends them soon after. */
  private static void requireNoThreads() {
    TestReplicas.await(
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("bulk-test-")));
  }

  private static ReplicaClient open(Path replica) {
    return ReplicaClients.open(TestReplicas.options(replica).url(), name -> Optional.empty());
  }

  private static BulkReader.Setup setup() {
    return BulkReader.Setup.of("bulk-test", LIMIT).withThreads(3);
  }

  private BulkReader reader(ReplicaClient client, BulkReader.Setup setup) {
    return new BulkReader(client, meter, Retries.standard(new Random(), timer), setup);
  }

  private static List<LtxFile> list(ReplicaClient client) {
    return Listings.all(client).join();
  }

  private static SortedMap<Long, byte[]> decode(byte[] content) throws IOException {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(content), "sound")) {
      while (decoder.next()) {
        pages.put(decoder.pgno(), decoder.page().clone());
      }
    }
    return pages;
  }

  private static byte[] content(Path replica, LtxFile file) throws IOException {
    return Files.readAllBytes(
        replica.resolve("ltx/" + file.name().level() + "/" + file.name().range() + ".ltx"));
  }

  private static void requireSame(SortedMap<Long, byte[]> expected, SortedMap<Long, byte[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((pgno, page) -> assertArrayEquals(page, found.get(pgno)));
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void everyPageOfEveryFileIsTakenOnceAndProven(Golden golden) throws IOException {
    Path replica = golden.copyTo(dir);
    for (Limits limits : List.of(TINY, Limits.standard())) {
      try (ReplicaClient client = open(replica)) {
        List<LtxFile> files = new ArrayList<>(list(client));
        Collections.reverse(files);
        CollectedPages pages = new CollectedPages();
        reader(client, setup().withLimits(limits)).read(files, pages);
        assertEquals(files, pages.begun());
        assertEquals(files.size(), pages.proven().size());
        assertEquals(files.stream().mapToLong(LtxFile::size).sum(), pages.arrivedBytes());
        for (LtxFile file : files) {
          requireSame(decode(content(replica, file)), pages.pages(file));
        }
      }
    }
  }

  @Test
  void noFilesAreReadAtOnce() throws IOException {
    try (ReplicaClient client = open(dir)) {
      reader(client, setup()).read(List.of(), new CollectedPages());
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void damageIsNeverTakenForTheFile(Golden golden, @Seeded("sluice.bulk.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    Path replica = golden.copyTo(dir);
    List<LtxFile> files;
    try (ReplicaClient client = open(replica)) {
      files = list(client);
    }
    for (int i = 0; i < 60; i++) {
      LtxFile file = files.get(random.nextInt(files.size()));
      byte[] sound = content(replica, file);
      byte[] damaged = i % 4 == 3 ? cut(sound, random) : flipped(sound, random);
      requireSameOrMalformed(file, sound, damaged, i % 2 == 0 ? TINY : Limits.standard());
    }
  }

  private static byte[] cut(byte[] content, Random random) {
    return Arrays.copyOf(content, random.nextInt(content.length));
  }

  /** A fifth of the flips in the header, a fifth each in the last bytes and near the index. */
  private static byte[] flipped(byte[] content, Random random) {
    byte[] damaged = content.clone();
    int at =
        switch (random.nextInt(5)) {
          case 0 -> random.nextInt(LtxHeader.BYTES);
          case 1 -> content.length - 1 - random.nextInt(40);
          case 2 -> content.length - 1 - random.nextInt(Math.min(600, content.length));
          default -> random.nextInt(content.length);
        };
    damaged[at] ^= (byte) (1 << random.nextInt(8));
    return damaged;
  }

  private void requireSameOrMalformed(LtxFile file, byte[] sound, byte[] damaged, Limits limits)
      throws IOException {
    Path other = dir.resolve("damaged");
    Path path = other.resolve("ltx/" + file.name().level() + "/" + file.name().range() + ".ltx");
    Files.createDirectories(path.getParent());
    Files.write(path, damaged);
    try (ReplicaClient client = open(other)) {
      List<LtxFile> listed = list(client);
      BulkReader reader = reader(client, setup().withLimits(limits));
      CollectedPages pages = new CollectedPages();
      try {
        reader.read(listed, pages);
        assertEquals(sound.length, damaged.length);
        requireSame(decode(sound), pages.pages(listed.get(0)));
      } catch (LtxFormatException e) {
        assertEquals(client.location(file.name()), e.file());
        assertTrue(e.offset() >= 0 && e.offset() <= damaged.length, e.getMessage());
        assertEquals(Optional.of(listed.get(0)), reader.failed());
        assertEquals(List.of(), pages.proven());
      }
    } finally {
      Files.delete(path);
    }
  }

  /** One large file of pages that cannot be compressed. */
  private Path largeReplica(int pages) throws IOException {
    Path replica = dir.resolve("large");
    TreeMap<Long, byte[]> all = new TreeMap<>();
    Random random = new Random(5);
    for (long pgno = 1; pgno <= pages; pgno++) {
      byte[] page = new byte[4096];
      random.nextBytes(page);
      all.put(pgno, page);
    }
    TestReplicas.write(replica, 9, TestReplicas.header(4096, pages, 1, 1), all);
    return replica;
  }

  @Test
  void anIndexThatIsLongerThanWasGuessedIsAskedForToItsBeginning() throws IOException {
    Path replica = largeReplica(3000);
    try (ReplicaClient client = open(replica)) {
      LtxFile file = list(client).get(0);
      CollectedPages pages = new CollectedPages();
      reader(client, setup().withLimits(TINY)).read(List.of(file), pages);
      requireSame(decode(content(replica, file)), pages.pages(file));
      assertEquals(file.size(), pages.arrivedBytes());
    }
  }

  @Test
  void aFileThatIsReplacedWhileItIsReadIsAConflict() throws IOException {
    Path replica = largeReplica(200);
    AtomicInteger reads = new AtomicInteger();
    ReplicaClient replacing =
        new ForwardingReplicaClient(open(replica)) {
          @Override
          public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
            if (reads.incrementAndGet() == 8) {
              try {
                Path path = TestReplicas.file(replica, 9, 1, 1);
                byte[] content = Files.readAllBytes(path);
                Path other =
                    Files.write(dir.resolve("other"), Arrays.copyOf(content, content.length + 1));
                Files.move(other, path, StandardCopyOption.ATOMIC_MOVE);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            }
            return super.read(file, offset, length);
          }
        };
    try (replacing) {
      BulkReader reader = reader(replacing, setup().withLimits(TINY));
      List<LtxFile> files = list(replacing);
      assertThrows(ReplicaException.Conflict.class, () -> reader.read(files, new CollectedPages()));
      assertEquals(Optional.of(files.get(0)), reader.failed());
    }
  }

  /** Counts the bytes that were asked for and are not decoded yet. */
  private static final class Counting extends ForwardingReplicaClient {
    private final AtomicLong outstanding = new AtomicLong();
    private final AtomicLong most = new AtomicLong();
    private final AtomicInteger requests = new AtomicInteger();

    Counting(ReplicaClient inner) {
      super(inner);
    }

    @Override
    public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
      requests.incrementAndGet();
      most.accumulateAndGet(outstanding.addAndGet(length), Math::max);
      return super.read(file, offset, length);
    }

    void decoded(long bytes) {
      outstanding.addAndGet(-bytes);
    }
  }

  @Test
  void whatIsInMemoryIsBoundedWhereTheSinkIsSlow() throws IOException {
    Path replica = largeReplica(3000);
    Limits limits = new Limits(600_000, 150_000, 32);
    try (Counting client = new Counting(open(replica))) {
      CollectedPages slow =
          new CollectedPages() {
            @Override
            public void take(PageRun run) {
              if (run.first() % 100 < 5) {
                LockSupport.parkNanos(5_000_000);
              }
              long bytes = 0;
              for (int i = 0; i < run.count(); i++) {
                bytes += run.file().index().frameBytes(run.first() + i);
              }
              client.decoded(bytes);
            }

            @Override
            public synchronized void proven(BulkFile file) {}
          };
      reader(client, setup().withLimits(limits)).read(list(client), slow);
      long ends = 200_000; // of the index, which is not decoded
      assertTrue(client.most.get() > 300_000, client.most + " bytes");
      assertTrue(client.most.get() <= limits.bytes() + ends, client.most + " bytes");
    }
  }

  @Test
  void smallFilesCostOneRequestEach() throws IOException {
    Path replica = Golden.named("live-4096").copyTo(dir);
    try (Counting client = new Counting(open(replica))) {
      List<LtxFile> files = list(client);
      reader(client, setup()).read(files, new CollectedPages());
      assertEquals(files.size(), client.requests.get());
    }
  }

  @Test
  void endsThatAreKnownAreNotAskedForAgain() throws IOException {
    Path replica = largeReplica(400);
    try (Counting client = new Counting(open(replica))) {
      LtxFile file = list(client).get(0);
      byte[] content = content(replica, file);
      int indexBytes = 0;
      try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(content), "known")) {
        while (decoder.next()) {
          // On to the index.
        }
        decoder.finish();
        indexBytes = content.length - (int) decoder.index().indexOffset();
      }
      byte[] ends = Arrays.copyOf(content, LtxHeader.BYTES + indexBytes);
      System.arraycopy(content, content.length - indexBytes, ends, LtxHeader.BYTES, indexBytes);
      CollectedPages pages = new CollectedPages();
      reader(client, setup().withKnown(known -> Optional.of(ends))).read(List.of(file), pages);
      requireSame(decode(content), pages.pages(file));
      assertEquals(file.size(), pages.arrivedBytes());
      assertTrue(client.most.get() <= file.size() - ends.length, client.most + " bytes");
      assertEquals(2, client.requests.get());
    }
  }

  @Test
  void anInterruptEndsItAndItsThreads() throws IOException {
    Path replica = largeReplica(500);
    try (ReplicaClient client = open(replica)) {
      CollectedPages interrupting =
          new CollectedPages() {
            @Override
            public synchronized void arrived(long bytes) {
              Thread.currentThread().interrupt();
            }
          };
      BulkReader reader = reader(client, setup().withLimits(TINY));
      List<LtxFile> files = list(client);
      assertThrows(InterruptedIOException.class, () -> reader.read(files, interrupting));
      assertTrue(Thread.interrupted());
      requireNoThreads();
      assertEquals(Optional.empty(), reader.failed());
      reader.read(files, new CollectedPages());
    }
  }

  @Test
  void closingEndsItAndCancelsWhatIsUnderWay() throws IOException {
    Path replica = largeReplica(500);
    List<CompletableFuture<byte[]>> hanging = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch closing = new CountDownLatch(1);
    ReplicaClient client =
        new ForwardingReplicaClient(open(replica)) {
          @Override
          public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
            if (offset < 100_000) {
              return super.read(file, offset, length);
            }
            CompletableFuture<byte[]> never = new CompletableFuture<>();
            hanging.add(never);
            closing.countDown();
            return never;
          }
        };
    try (client) {
      BulkReader reader = reader(client, setup().withLimits(TINY).withClosing(closing));
      List<LtxFile> files = list(client);
      ReplicaException.Unavailable failure =
          assertThrows(
              ReplicaException.Unavailable.class, () -> reader.read(files, new CollectedPages()));
      assertTrue(String.valueOf(failure.getMessage()).contains("closed"), failure.getMessage());
      assertFalse(hanging.isEmpty());
      assertTrue(hanging.stream().allMatch(CompletableFuture::isCancelled));
    }
  }

  @Test
  void whatTheSinkThrowsEndsIt() throws IOException {
    Path replica = largeReplica(500);
    try (ReplicaClient client = open(replica)) {
      CollectedPages full =
          new CollectedPages() {
            @Override
            public void take(PageRun run) {
              throw new UncheckedIOException(new IOException("no space left"));
            }
          };
      BulkReader reader = reader(client, setup().withLimits(TINY));
      List<LtxFile> files = list(client);
      assertThrows(UncheckedIOException.class, () -> reader.read(files, full));
    }
  }

  @Test
  void thePaceIsAskedBeforeEachRequestAndItsWaitIsNoStall() throws IOException {
    Path replica = largeReplica(100);
    AtomicLong nanos = new AtomicLong();
    AtomicLong asked = new AtomicLong();
    AtomicLong granted = new AtomicLong();
    Pace pace =
        bytes -> {
          nanos.addAndGet(LIMIT.toNanos());
          boolean isGranted = asked.incrementAndGet() % 3 == 0;
          granted.addAndGet(isGranted ? bytes : 0);
          return isGranted ? 0 : 1_000_000;
        };
    try (Counting client = new Counting(open(replica))) {
      CollectedPages pages = new CollectedPages();
      LtxFile file = list(client).get(0);
      Limits one = new Limits(100_000, 100_000, 1);
      reader(client, setup().withLimits(one).withPace(pace).withTicker(nanos::get))
          .read(List.of(file), pages);
      assertEquals(1, pages.proven().size());
      assertTrue(granted.get() >= file.size(), granted + " bytes");
      assertTrue(asked.get() >= 3L * (client.requests.get() - 1), asked + " times");
    }
  }
}
