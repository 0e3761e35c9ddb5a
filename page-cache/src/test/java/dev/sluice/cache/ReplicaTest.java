package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.Golden;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What opening, reading and restoring do beside the golden replicas: sizes, gaps and damage. */
@SuppressWarnings({"NonApiType", "IntLongMath", "NarrowingCompoundAssignment"})
class ReplicaTest {
  private static final Duration SHORT = Duration.ofSeconds(2);
  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir Path dir;

  @AfterEach
  void requireThatNobodyTouchedReleasedMemory() {
    TestReplicas.MEMORY.requireUntouched();
  }

  private static byte[] page(int pageSize, long seed) {
    byte[] page = new byte[pageSize];
    new Random(seed).nextBytes(page);
    return page;
  }

  private static TreeMap<Long, byte[]> pages(int pageSize, long... pgnos) {
    TreeMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno : pgnos) {
      pages.put(pgno, page(pageSize, pgno));
    }
    return pages;
  }

  private Path simple() throws IOException {
    Path replica = dir.resolve("simple");
    TestReplicas.write(replica, 0, TestReplicas.header(512, 3, 1, 1), pages(512, 1, 2, 3));
    TestReplicas.write(replica, 0, TestReplicas.header(512, 3, 2, 2), pages(512, 2));
    TestReplicas.write(replica, 0, TestReplicas.header(512, 3, 3, 3), pages(512, 3));
    return replica;
  }

  private static <T extends Throwable> T openFails(Class<T> type, Path replica) {
    try (Replicas replicas = TestReplicas.replicas()) {
      return assertThrows(
          type, () -> replicas.acquire(TestReplicas.options(replica, SHORT)).latest());
    }
  }

  private Restorer.Result restore(Path replica, Path out) throws IOException {
    return restore(replica, out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
  }

  private static Restorer.Result restore(
      Path replica, Path out, DatabasePlace.Existing existing, Restorer.Progress progress)
      throws IOException {
    try (ReplicaClient client =
            ReplicaClients.open(
                ReplicaUrl.ofDirectory(replica.toString()), name -> Optional.empty());
        Restorer restorer = new Restorer(client, new RequestMeter(), LONG)) {
      return restorer.restore(new Target.Latest(), out, existing, progress);
    }
  }

  @Test
  void theFirstReadOfALargeReplicaIsSmallAndNeverAWholeFile() throws IOException {
    int pageSize = 4096;
    int commit = 12_800;
    Path replica = dir.resolve("large");
    TreeMap<Long, byte[]> all = new TreeMap<>();
    for (long pgno = 1; pgno <= commit; pgno++) {
      byte[] page = page(pageSize, pgno);
      Arrays.fill(page, 2048, 4096, (byte) 7);
      all.put(pgno, page);
    }
    Path file = TestReplicas.write(replica, 9, TestReplicas.header(pageSize, commit, 1, 1), all);
    TestReplicas.write(
        replica, 0, TestReplicas.header(pageSize, commit, 2, 2), pages(pageSize, 1, 700));
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica opened = replicas.acquire(TestReplicas.options(replica));
      View view = opened.latest();
      assertArrayEquals(all.get(6000L), TestReplicas.page(opened, view, 6000));
      RequestMeter.Snapshot requests = opened.requests();
      System.out.println("large: file=" + Files.size(file) + " " + requests);
      assertTrue(requests.bytes() < 2_000_000, requests.toString());
      assertTrue(requests.rounds() <= 4, requests.toString());
      TestReplicas.page(opened, view, 6000);
      assertEquals(requests, opened.requests());
    }
  }

  @Test
  void theLockPageIsZerosAndTheFileSparse() throws IOException {
    int pageSize = 65536;
    long lock = 0x40000000 / pageSize + 1;
    long commit = lock + 3;
    Path replica = dir.resolve("lock");
    TreeMap<Long, byte[]> all = new TreeMap<>();
    byte[] zeros = new byte[pageSize];
    for (long pgno = 1; pgno <= commit; pgno++) {
      if (pgno != lock) {
        all.put(pgno, pgno % 4000 == 1 || pgno > lock ? page(pageSize, pgno) : zeros);
      }
    }
    TestReplicas.write(replica, 0, TestReplicas.header(pageSize, commit, 1, 1), all);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica opened = replicas.acquire(TestReplicas.options(replica));
      View view = opened.latest();
      assertArrayEquals(zeros, TestReplicas.page(opened, view, lock));
      assertArrayEquals(all.get(lock + 1), TestReplicas.page(opened, view, lock + 1));
      assertArrayEquals(all.get(lock - 1), TestReplicas.page(opened, view, lock - 1));
    }
    Path out = dir.resolve("lock.db");
    assertEquals(new Restorer.Result(Txid.FIRST, commit, commit * pageSize), restore(replica, out));
    assertEquals(commit * pageSize, Files.size(out));
  }

  @Test
  void aPageThatWasCutOffAndNeverWrittenAgainIsAnErrorNotZeros() throws IOException {
    Path replica = dir.resolve("cut");
    TestReplicas.write(replica, 0, TestReplicas.header(512, 4, 1, 1), pages(512, 1, 2, 3, 4));
    TestReplicas.write(replica, 0, TestReplicas.header(512, 2, 2, 2), pages(512, 1));
    TestReplicas.write(replica, 0, TestReplicas.header(512, 4, 3, 3), pages(512, 4));
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica opened = replicas.acquire(TestReplicas.options(replica));
      View view = opened.latest();
      ViewException.PageMissing failure =
          assertThrows(ViewException.PageMissing.class, () -> TestReplicas.page(opened, view, 3));
      assertTrue(String.valueOf(failure.getMessage()).contains("page 3"), failure.getMessage());
      assertTrue(
          String.valueOf(failure.getMessage()).contains(view.txid().toString()),
          failure.getMessage());
      TestReplicas.page(opened, view, 4);
    }
    Path out = dir.resolve("cut.db");
    assertThrows(ViewException.PageMissing.class, () -> restore(replica, out));
    requireOnly(dir, "cut");
  }

  private static void requireOnly(Path folder, String... names) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of(names), files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void anEmptyReplicaIsWaitedForUntilTheDeadline() {
    ViewException.NoFiles failure = openFails(ViewException.NoFiles.class, dir.resolve("empty"));
    assertTrue(String.valueOf(failure.getMessage()).contains("no files yet"), failure.getMessage());
    assertTrue(String.valueOf(failure.getMessage()).contains("empty"), failure.getMessage());
  }

  @Test
  void aGapNamesTheLastGoodAndTheMissingTxid() throws IOException {
    Path replica = simple();
    Files.delete(TestReplicas.file(replica, 0, 2, 2));
    try (Replicas replicas = TestReplicas.replicas()) {
      ViewException.Gap failure =
          assertThrows(
              ViewException.Gap.class,
              () -> replicas.acquire(TestReplicas.options(replica)).latest());
      assertTrue(
          String.valueOf(failure.getMessage()).contains(new Txid(1).toString()),
          failure.getMessage());
      assertTrue(
          String.valueOf(failure.getMessage()).contains(new Txid(2).toString()),
          failure.getMessage());
    }
  }

  @Test
  void aDeletedDatabaseSaysSo() throws IOException {
    Path replica = simple();
    TestReplicas.write(replica, 0, TestReplicas.header(512, 0, 4, 4), pages(512));
    ViewException.Deleted failure = openFails(ViewException.Deleted.class, replica);
    assertTrue(String.valueOf(failure.getMessage()).contains("deleted"), failure.getMessage());
    assertThrows(ViewException.Deleted.class, () -> restore(replica, dir.resolve("deleted.db")));
  }

  @Test
  void anotherPageSizeInThePlanIsAnError() throws IOException {
    Path replica = simple();
    TestReplicas.write(replica, 0, TestReplicas.header(1024, 3, 4, 4), pages(1024, 2));
    openFails(ViewException.PageSizeChanged.class, replica);
    assertThrows(
        ViewException.PageSizeChanged.class, () -> restore(replica, dir.resolve("sizes.db")));
  }

  @Test
  void aMalformedFileIsAvoidedWhereAPlanWithoutItExists() throws IOException {
    Path replica = simple();
    Path file =
        TestReplicas.write(replica, 1, TestReplicas.header(512, 3, 1, 3), pages(512, 1, 2, 3));
    Files.write(file, new byte[300]);
    try (Replicas replicas = TestReplicas.replicas()) {
      assertEquals(new Txid(3), replicas.acquire(TestReplicas.options(replica)).latest().txid());
    }
    assertEquals(new Txid(3), restore(replica, dir.resolve("avoided.db")).txid());
    Path only = TestReplicas.file(replica, 0, 2, 2);
    Files.write(only, new byte[300]);
    LtxFormatException failure = openFails(LtxFormatException.class, replica);
    assertTrue(String.valueOf(failure.getMessage()).contains("L"), failure.getMessage());
    assertThrows(LtxFormatException.class, () -> restore(replica, dir.resolve("malformed.db")));
  }

  @Test
  void aFileThatIsGoneWhenItsPageIsReadIsHistoryGone() throws IOException {
    Path replica = dir.resolve("gone");
    long[] all = new long[400];
    Arrays.setAll(all, i -> i + 1);
    Path file =
        TestReplicas.write(replica, 9, TestReplicas.header(4096, 400, 1, 1), pages(4096, all));
    Path next =
        TestReplicas.write(replica, 0, TestReplicas.header(4096, 400, 2, 2), pages(4096, 2));
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica opened = replicas.acquire(TestReplicas.options(replica));
      opened.latest();
      Path away = dir.resolve("away");
      Files.move(file, away);
      Path nextAway = dir.resolve("next-away");
      Files.move(next, nextAway);
      Patience little = Patience.of(Duration.ofMillis(700));
      ReplicaException.Unavailable maybe =
          assertThrows(
              ReplicaException.Unavailable.class,
              () -> opened.read(opened.latest(), 200, ByteBuffer.allocate(4096), little));
      assertTrue(
          String.valueOf(maybe.getMessage()).contains("not there for the moment"),
          "an empty listing says nothing: " + maybe);
      Files.move(nextAway, next);
      ViewException.HistoryGone failure =
          assertThrows(
              ViewException.HistoryGone.class,
              () -> TestReplicas.page(opened, opened.latest(), 200));
      assertTrue(
          String.valueOf(failure.getMessage()).contains("history gone"), failure.getMessage());
      assertEquals(Optional.of(String.valueOf(failure.getMessage())), opened.lastError());
      TestReplicas.page(opened, opened.latest(), 2);
      View view = opened.latest();
      Files.write(next, new byte[(int) (400L * 4200)]);
      assertThrows(ViewException.Replaced.class, () -> TestReplicas.page(opened, view, 200));
    }
  }

  @Test
  void anInterruptedCallerStaysInterruptedAndTheReplicaIsUsableAfterwards() throws IOException {
    Path replica = simple();
    try (Replicas replicas = TestReplicas.replicas()) {
      Path empty = dir.resolve("nothing");
      Thread.currentThread().interrupt();
      assertThrows(
          InterruptedIOException.class,
          () -> replicas.acquire(TestReplicas.options(empty)).latest());
      assertTrue(Thread.interrupted());
      assertEquals(new Txid(3), replicas.acquire(TestReplicas.options(replica)).latest().txid());
    }
    Thread.currentThread().interrupt();
    assertThrows(
        InterruptedIOException.class, () -> restore(replica, dir.resolve("interrupted.db")));
    assertTrue(Thread.interrupted());
    requireOnly(dir, "simple");
  }

  @Test
  void restoreRefusesWhatExistsAndReplacesOnDemand() throws IOException {
    Path replica = simple();
    Path out = dir.resolve("out.db");
    Files.writeString(out, "mine");
    assertThrows(FileAlreadyExistsException.class, () -> restore(replica, out));
    assertEquals("mine", Files.readString(out));
    Files.writeString(dir.resolve("out.db-wal"), "old");
    restore(replica, out, DatabasePlace.Existing.REPLACE, Restorer.Progress.none());
    assertEquals(3 * 512, Files.size(out));
    requireOnly(dir, "out.db", "simple");
    Files.delete(out);
    Files.writeString(dir.resolve("out.db-journal"), "hot");
    assertThrows(FileAlreadyExistsException.class, () -> restore(replica, out));
  }

  @Test
  void everyFlippedByteAndTruncationIsTheGoldenImageOrAnErrorThatNamesTheFile() throws IOException {
    Golden golden = Golden.named("small-4096");
    Path replica = golden.copyTo(dir);
    Path file = TestReplicas.file(replica, 0, 2, 2);
    byte[] content = Files.readAllBytes(file);
    String image = String.valueOf(golden.images().get(golden.images().lastKey()));
    Random random = new Random(3);
    for (int i = 0; i < content.length; i++) {
      byte[] flipped = content.clone();
      flipped[i] = (byte) (flipped[i] ^ (1 << random.nextInt(8)));
      requireImageOrError(replica, file, flipped, image);
    }
    for (int cut = 1; cut <= 200; cut++) {
      requireImageOrError(replica, file, Arrays.copyOf(content, content.length - cut), image);
    }
  }

  private void requireImageOrError(Path replica, Path file, byte[] content, String image)
      throws IOException {
    Files.write(file, content);
    Path out = dir.resolve("damaged.db");
    try {
      restore(replica, out);
      assertEquals(image, TestReplicas.sha256(Files.readAllBytes(out)));
    } catch (LtxFormatException e) {
      assertTrue(e.offset() >= 0, e.getMessage());
      assertTrue(e.file().endsWith(String.valueOf(file.getFileName())), e.getMessage());
    }
    Files.deleteIfExists(out);
  }
}
