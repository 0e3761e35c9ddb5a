package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a replica whose files come and go, look by look. */
class FollowerTest {
  private static final int PAGE_SIZE = 512;
  private static final Duration LOOK_AT_ALL = Duration.ofSeconds(30);

  @TempDir Path dir;
  @TempDir Path side;

  private final AtomicLong nanos = new AtomicLong();
  private final List<String> told = new ArrayList<>();
  private final ReplicaListener listener =
      new ReplicaListener() {
        @Override
        public void published(Replica replica, View view) {
          told.add("published " + view.txid().value());
        }

        @Override
        public void relocated(Replica replica, long pages) {
          told.add("relocated " + pages);
        }

        @Override
        public void rescued(Replica replica, long pages) {
          told.add("rescued " + pages);
        }

        @Override
        public void ended(Replica replica, ViewException reason) {
          told.add("ended " + reason.getClass().getSimpleName());
          throw new IllegalStateException("what a listener throws changes nothing");
        }
      };

  /** Files that are listed and are not there. */
  private final Set<LtxFileName> absent = ConcurrentHashMap.newKeySet();

  /** What happens, once, between the question for a complete listing and its answer. */
  private final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});

  private final Replicas replicas =
      new Replicas(
          url ->
              new ForwardingReplicaClient(ReplicaClients.open(url, name -> Optional.empty())) {
                @Override
                public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
                  if (level == LtxFileName.SNAPSHOT_LEVEL) {
                    meanwhile.getAndSet(() -> {}).run();
                  }
                  return super.list(level, from);
                }

                @Override
                public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
                  return absent.contains(file.name())
                      ? CompletableFuture.failedFuture(
                          new ReplicaException.NotFound("no such file: " + file.name()))
                      : super.read(file, offset, length);
                }
              },
          TestReplicas.MEMORY,
          ReplicaSetup.standard(listener).withTicker(nanos::get).with(Following.BY_HAND));

  @AfterEach
  void close() {
    replicas.close();
  }

  /** Nothing is cached, so that each read asks the storage. */
  private ReplicaOptions options() {
    return TestReplicas.options(dir, Duration.ofSeconds(5))
        .withPageCacheBytes(1)
        .withCacheDirectory(side);
  }

  private Replica open() throws IOException {
    Replica replica = replicas.acquire(options());
    replica.latest();
    replica.poll();
    return replica;
  }

  private void lookAtAll(Replica replica) {
    nanos.addAndGet(LOOK_AT_ALL.toNanos());
    replica.poll();
  }

  private Path write(int level, long min, long max, long commit, String pages) throws IOException {
    return write(PAGE_SIZE, level, min, max, commit, pages);
  }

  /** Writes a file with pages {@code pgno=seed}. */
  private Path write(int pageSize, int level, long min, long max, long commit, String pages)
      throws IOException {
    TreeMap<Long, byte[]> content = new TreeMap<>();
    for (String each : pages.split(" ", -1)) {
      if (!each.isEmpty()) {
        long pgno = Long.parseLong(each.substring(0, each.indexOf('=')));
        long seed = Long.parseLong(each.substring(each.indexOf('=') + 1));
        content.put(pgno, page(pageSize, pgno, seed));
      }
    }
    return TestReplicas.write(dir, level, TestReplicas.header(pageSize, commit, min, max), content);
  }

  private void delete(int level, long min, long max) throws IOException {
    Files.delete(TestReplicas.file(dir, level, min, max));
  }

  private static byte[] page(int pageSize, long pgno, long seed) {
    byte[] page = new byte[pageSize];
    new Random(pgno * 1000 + seed).nextBytes(page);
    return page;
  }

  private static void assertPages(Replica replica, View view, int... seeds) throws IOException {
    assertEquals(seeds.length, view.commit());
    for (int i = 0; i < seeds.length; i++) {
      assertArrayEquals(
          page(view.pageSize(), i + 1, seeds[i]),
          TestReplicas.page(replica, view, i + 1),
          "page " + (i + 1) + " of " + view);
    }
  }

  private static View latest(Replica replica) {
    return replica.published().orElseThrow();
  }

  private static void assertTrouble(Replica replica, String part) {
    String trouble = replica.lastError().orElse("none");
    assertTrue(trouble.contains(part), trouble);
  }

  @Test
  void newFilesArePublishedAndOldViewsStay() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    View one = latest(replica);
    replica.hold(one);
    assertFalse(replica.poll());
    write(0, 2, 2, 3, "2=2");
    assertTrue(replica.poll());
    View two = latest(replica);
    replica.hold(two);
    write(0, 3, 3, 4, "1=3 4=3");
    write(0, 4, 4, 2, "2=4");
    write(0, 5, 5, 3, "3=5");
    assertTrue(replica.poll());
    assertPages(replica, latest(replica), 3, 4, 5);
    assertPages(replica, two, 1, 2, 1);
    assertPages(replica, one, 1, 1, 1);
    assertEquals(List.of("published 1", "published 2", "published 5"), told);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aLookThatFindsNothingCostsTwoListingsOrThreeWhereASnapshotIsTheNewest() throws IOException {
    write(9, 1, 1, 1, "1=1");
    Replica replica = open();
    assertEquals(3, listsOfALook(replica));
    write(0, 2, 2, 1, "1=2");
    replica.poll();
    assertEquals(2, listsOfALook(replica));
  }

  private static long listsOfALook(Replica replica) {
    long before = replica.requests().lists();
    assertFalse(replica.poll());
    return replica.requests().lists() - before;
  }

  @Test
  void aWaitForATxidEndsWithTheReplica() throws Exception {
    write(0, 1, 1, 1, "1=1");
    Replica replica = open();
    CompletableFuture<String> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return replica.awaitTxid(new Txid(9), Patience.of(Duration.ofHours(1))).toString();
              } catch (IOException e) {
                return String.valueOf(e.getMessage());
              }
            });
    replicas.release(replica);
    String end = waiting.get(20, TimeUnit.SECONDS);
    assertTrue(end.contains("closed"), end);
  }

  @Test
  void aPageThatShrankAwayAndGrewBackUnwrittenIsMissingAndNotOld() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    write(0, 2, 2, 2, "1=2");
    write(0, 3, 3, 3, "1=3");
    replica.poll();
    assertThrows(
        ViewException.PageMissing.class, () -> TestReplicas.page(replica, latest(replica), 3));
  }

  @Test
  void lagIsTheTimeSinceTheLookThatLeftNoQuestionOpen() throws IOException {
    write(0, 1, 1, 1, "1=1");
    Replica replica = open();
    View one = latest(replica);
    nanos.addAndGet(7);
    assertEquals(Optional.of(Duration.ofNanos(7)), replica.sinceProven(one));
    replica.poll();
    assertEquals(Optional.of(Duration.ZERO), replica.sinceProven(one));
    write(0, 3, 3, 1, "1=3");
    nanos.addAndGet(5);
    replica.poll();
    assertSame(one, latest(replica));
    assertEquals(Optional.of(Duration.ofNanos(5)), replica.sinceProven(one));
    write(0, 2, 2, 1, "1=2");
    nanos.addAndGet(LOOK_AT_ALL.toNanos());
    replica.poll();
    assertEquals(Optional.of(Duration.ofNanos(5).plus(LOOK_AT_ALL)), replica.sinceProven(one));
    assertEquals(Optional.of(Duration.ZERO), replica.sinceProven(latest(replica)));
  }

  @Test
  void aGapIsPublishedUpToAndToldAndClosedByAnotherLevel() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = open();
    write(0, 2, 2, 2, "1=2");
    write(0, 4, 4, 2, "1=4");
    replica.poll();
    assertEquals(2, latest(replica).txid().value());
    assertTrouble(replica, "TXID 0000000000000003 is missing");
    nanos.addAndGet(3);
    assertEquals(Optional.of(Duration.ofNanos(3)), replica.sinceProven(latest(replica)));
    write(1, 1, 3, 2, "1=3 2=3");
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    replica.poll();
    assertPages(replica, latest(replica), 4, 3);
    assertEquals(Optional.of(Duration.ZERO), replica.sinceProven(latest(replica)));
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aCompactionThatStraddlesTheLatestTxidIsFollowed() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    write(0, 2, 2, 2, "1=2");
    Replica replica = open();
    write(1, 1, 5, 2, "1=5 2=3");
    delete(0, 1, 1);
    delete(0, 2, 2);
    // None of the files that were known is there any more, and that is what has to be found out.
    write(0, 5, 5, 2, "1=5");
    replica.poll();
    assertTrouble(replica, "history gone");
    assertTrue(replica.isReplaced());
    assertNotSame(replica, replicas.acquire(options()));
  }

  @Test
  void aCompactionAheadOfLevelZeroIsFollowed() throws IOException {
    write(9, 1, 1, 2, "1=1 2=1");
    write(0, 2, 2, 2, "1=2");
    Replica replica = open();
    write(1, 1, 5, 2, "1=5 2=3");
    delete(0, 2, 2);
    replica.poll();
    assertPages(replica, latest(replica), 5, 3);
    write(1, 6, 9, 2, "1=9");
    replica.poll();
    assertPages(replica, latest(replica), 9, 3);
  }

  @Test
  void aMalformedFileIsDoneWithoutWhereAnotherLevelHasItsTxids() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = open();
    Path second = write(0, 2, 2, 2, "1=2");
    byte[] bytes = Files.readAllBytes(second);
    bytes[bytes.length - 20] ^= 1;
    Files.write(second, bytes);
    nanos.addAndGet(1);
    replica.poll();
    assertEquals(1, latest(replica).txid().value());
    assertTrouble(replica, second.getFileName().toString());
    assertEquals(Optional.of(Duration.ofNanos(1)), replica.sinceProven(latest(replica)));
    write(1, 1, 2, 2, "1=2 2=1");
    nanos.addAndGet(LOOK_AT_ALL.toNanos());
    replica.poll();
    assertPages(replica, latest(replica), 2, 1);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aFullImageInMidHistoryIsFollowed() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    write(0, 2, 2, 2, "1=2 2=2");
    replica.poll();
    assertPages(replica, latest(replica), 2, 2);
  }

  @Test
  void aFullImageWithAnotherPageSizeIsAnotherDatabase() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica replica = open();
    View old = latest(replica);
    write(1024, 0, 2, 2, 2, "1=2 2=2");
    replica.poll();
    assertTrouble(replica, "replaced");
    assertThrows(ViewException.Replaced.class, replica::requireSame);
    assertEquals(0, replica.control().publishWord());
    assertPages(replica, old, 1, 1, 1);
    Replica next = replicas.acquire(options());
    assertNotSame(replica, next);
    assertPages(next, next.latest(), 2, 2);
    assertEquals(List.of("published 1", "ended Replaced", "published 2"), told);
  }

  @Test
  void aDeletedDatabaseEndsTheHistory() throws IOException {
    write(0, 1, 1, 1, "1=1");
    Replica replica = open();
    write(0, 2, 2, 0, "");
    replica.poll();
    assertThrows(ViewException.Deleted.class, replica::requireSame);
    assertThrows(ViewException.Deleted.class, replica::latest);
  }

  @Test
  void aFileThatIsGivenItsTimeAfterItWasReadIsTheSame() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = replicas.acquire(options().withPageCacheBytes(1 << 20));
    replica.latest();
    Path second = write(0, 2, 2, 2, "2=2");
    replica.poll();
    View view = latest(replica);
    Files.setLastModifiedTime(second, FileTime.fromMillis(1_790_000_000_002L));
    replica.poll();
    write(0, 3, 3, 2, "1=3");
    replica.poll();
    assertPages(replica, view, 1, 2);
    assertPages(replica, latest(replica), 3, 2);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aFileThatIsAnotherIsAReplicaBegunAnew() throws IOException {
    write(0, 1, 1, 1, "1=1");
    write(0, 2, 2, 1, "1=2");
    Replica replica = open();
    View old = latest(replica);
    CompletableFuture<View> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return replica.awaitTxid(new Txid(9), Patience.of(Duration.ofSeconds(20)));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    delete(0, 1, 1);
    write(0, 2, 2, 1, "1=12 1=12");
    write(0, 3, 3, 1, "1=13");
    replica.poll();
    assertThrows(ViewException.Replaced.class, replica::requireSame);
    assertThrows(ViewException.Replaced.class, () -> TestReplicas.page(replica, old, 1));
    Throwable failure = assertThrows(CompletionException.class, waiting::join);
    assertTrue(String.valueOf(failure).contains("replaced"), String.valueOf(failure));
    assertEquals(1, told.stream().filter(each -> each.startsWith("published")).count());
  }

  @Test
  void aFileThatIsBeingWrittenIsNotAnotherReplica() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = open();
    for (int level : new int[] {0, 1}) {
      Path growing = write(level, 2, 2, 2, "1=2 2=2");
      byte[] whole = Files.readAllBytes(growing);
      for (int size = 0; size < whole.length; size += 333) {
        Files.write(growing, Arrays.copyOf(whole, size));
        lookAtAll(replica);
      }
      Files.write(growing, whole);
      lookAtAll(replica);
      replica.requireSame();
    }
    assertPages(replica, latest(replica), 2, 2);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aFileThatIsStoredOnceMoreIsTheSameReplica() throws IOException {
    write(9, 1, 1, 2, "1=1 2=1");
    Path second = write(0, 2, 2, 2, "1=2");
    Replica replica = open();
    View old = latest(replica);
    Path copy = Files.copy(second, side.resolve("copy"));
    Files.move(copy, second, StandardCopyOption.REPLACE_EXISTING);
    replica.poll();
    replica.requireSame();
    assertPages(replica, old, 2, 1);
    write(0, 3, 3, 2, "2=3");
    replica.poll();
    assertPages(replica, latest(replica), 2, 3);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aFileThatWasNeverReadIsNoProofOfAnotherReplica() throws IOException {
    write(9, 1, 1, 2, "1=1 2=1");
    write(0, 2, 2, 2, "1=2");
    Replica replica = open();
    Path unread = write(1, 2, 2, 2, "1=2");
    lookAtAll(replica);
    lookAtAll(replica);
    Path copy = Files.copy(unread, side.resolve("copy"));
    Files.move(copy, unread, StandardCopyOption.REPLACE_EXISTING);
    lookAtAll(replica);
    replica.requireSame();
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aFileThatIsListedAndNotThereIsDoneWithoutWhereAnotherLevelHasItsTxids() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = open();
    write(0, 2, 2, 2, "1=2");
    write(0, 3, 3, 2, "2=3");
    absent.add(new LtxFileName(0, new TxidRange(new Txid(3), new Txid(3))));
    assertTrue(replica.poll());
    assertEquals(2, latest(replica).txid().value());
    assertTrouble(replica, "TXID 0000000000000003 is missing");
    long lists = replica.requests().lists();
    for (int i = 0; i < 5; i++) {
      assertFalse(replica.poll());
    }
    assertTrue(replica.requests().lists() - lists <= 5 * 2, "looks at all are paced");
    write(1, 1, 3, 2, "1=2 2=3");
    nanos.addAndGet(Duration.ofSeconds(2).toNanos());
    replica.poll();
    assertPages(replica, latest(replica), 2, 3);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void whatIsNotOfLevelZeroLeavesHalfOfTheRoom() throws IOException {
    write(9, 1, 1, 8, "1=1 2=1 3=1 4=1 5=1 6=1 7=1 8=1");
    write(9, 1, 2, 8, "1=2 2=2 3=2 4=2 5=2 6=2 7=2 8=2");
    write(0, 3, 3, 8, "1=3");
    Replica replica = replicas.acquire(options().withRescueBytes(6 * (PAGE_SIZE + 4)));
    replica.hold(replica.at(new Target.AtTxid(new Txid(1))));
    replica.hold(replica.latest());
    replica.poll();
    for (int i = 0; i < 70; i++) {
      lookAtAll(replica);
    }
    assertTrue(told.contains("rescued 3"), told.toString());
    assertEquals(3 * (PAGE_SIZE + 4), replica.rescuedBytes());
    write(0, 4, 4, 8, "1=4");
    write(1, 3, 4, 8, "1=4");
    replica.poll();
    for (int i = 0; i < 6; i++) {
      lookAtAll(replica);
    }
    assertEquals(4 * (PAGE_SIZE + 4), replica.rescuedBytes());
  }

  @Test
  void filesOfWhichNoneIsKnownAreDoubtedAndThenEndTheHistory() throws IOException {
    for (int txid = 1; txid <= 3; txid++) {
      write(0, txid, txid, 1, "1=" + txid);
    }
    Replica replica = open();
    for (int txid = 1; txid <= 3; txid++) {
      delete(0, txid, txid);
    }
    write(9, 1, 2, 1, "1=12");
    replica.poll();
    assertTrouble(replica, "history gone");
    replica.requireSame();
    assertTrue(replica.isReplaced());
    replica.poll();
    replica.requireSame();
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    replica.poll();
    assertThrows(ViewException.HistoryGone.class, replica::requireSame);
    assertEquals(List.of("published 3", "ended HistoryGone"), told);
  }

  /** One bad moment of the storage meets all who list at that moment. */
  @Test
  void listingsThatWereUnderWayTogetherAreOneDoubt() throws IOException {
    Path first = write(0, 1, 1, 1, "1=1");
    Replica replica = open();
    View view = latest(replica);
    Path away = side.resolve("away");
    Files.move(first, away);
    Path unknown = write(0, 2, 2, 1, "1=2");
    meanwhile.set(
        () -> {
          nanos.incrementAndGet();
          assertThrows(ViewException.HistoryGone.class, () -> TestReplicas.page(replica, view, 1));
        });
    replica.poll();
    assertTrouble(replica, "history gone");
    Files.delete(unknown);
    Files.move(away, first);
    replica.poll();
    assertPages(replica, view, 1);
    assertEquals(List.of("published 1"), told);
  }

  @Test
  void anEmptyReplicaIsATroubleAndNoMore() throws IOException {
    Path only = write(0, 1, 1, 1, "1=1");
    Replica replica = open();
    Path away = side.resolve("away");
    Files.move(only, away);
    replica.poll();
    replica.poll();
    assertTrouble(replica, "no files");
    Files.move(away, only);
    write(0, 2, 2, 1, "1=2");
    replica.poll();
    assertPages(replica, latest(replica), 2);
    assertEquals(Optional.empty(), replica.lastError());
  }

  @Test
  void aReadFindsItsPageInACompactedFile() throws IOException {
    write(9, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    write(0, 3, 3, 3, "3=3");
    Replica replica = open();
    View view = latest(replica);
    write(1, 2, 3, 3, "2=2 3=3");
    delete(0, 2, 2);
    delete(0, 3, 3);
    assertPages(replica, view, 1, 2, 3);
    assertTrue(told.contains("relocated 2"), told.toString());
  }

  @Test
  void aNewerFileIsASourceOfWhatHasNotChangedAndOfNothingElse() throws IOException {
    write(9, 1, 1, 3, "1=1 2=1 3=1");
    write(2, 2, 2, 3, "1=2");
    write(0, 2, 2, 3, "1=2");
    write(0, 3, 3, 3, "2=3 3=3");
    Replica replica = open();
    View view = latest(replica);
    write(0, 4, 4, 3, "3=4");
    write(9, 1, 4, 3, "1=2 2=3 3=4");
    delete(9, 1, 1);
    delete(0, 2, 2);
    delete(0, 3, 3);
    // Nobody has followed until 4 yet: what changed on the way is learned for the view.
    assertArrayEquals(page(PAGE_SIZE, 2, 3), TestReplicas.page(replica, view, 2));
    assertArrayEquals(page(PAGE_SIZE, 1, 2), TestReplicas.page(replica, view, 1));
    assertThrows(ViewException.HistoryGone.class, () -> TestReplicas.page(replica, view, 3));
    replica.poll();
    assertPages(replica, latest(replica), 2, 3, 4);
  }

  @Test
  void whatAHeldViewNeedsOfExpiringFilesIsKept() throws IOException {
    Replica replica = aHeldViewWhosePageChanged(options());
    View view = replica.at(new Target.AtTxid(new Txid(2)));
    delete(0, 2, 2);
    assertPages(replica, view, 1, 2, 1);
    assertTrue(told.contains("rescued 1"), told.toString());
    assertTrue(replica.rescuedBytes() >= PAGE_SIZE, "kept " + replica.rescuedBytes());
  }

  @Test
  void beyondTheBoundThePagesOfAHeldViewAreGoneAndNeverOthers() throws IOException {
    Replica replica = aHeldViewWhosePageChanged(options().withRescueBytes(0));
    View view = replica.at(new Target.AtTxid(new Txid(2)));
    delete(0, 2, 2);
    assertArrayEquals(page(PAGE_SIZE, 1, 1), TestReplicas.page(replica, view, 1));
    ViewException.HistoryGone failure =
        assertThrows(ViewException.HistoryGone.class, () -> TestReplicas.page(replica, view, 2));
    assertTrue(
        String.valueOf(failure.getMessage()).contains("history gone: TXID 0000000000000002"),
        failure.getMessage());
    assertEquals(0, replica.rescuedBytes());
  }

  private Replica aHeldViewWhosePageChanged(ReplicaOptions options) throws IOException {
    write(9, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    Replica replica = replicas.acquire(options);
    replica.hold(replica.latest());
    replica.poll();
    write(0, 3, 3, 3, "2=3");
    write(1, 2, 3, 3, "2=3");
    replica.poll();
    for (int i = 0; i < 6; i++) {
      lookAtAll(replica);
    }
    return replica;
  }

  @Test
  void keptPagesAreLetGoWithTheView() throws IOException {
    write(9, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    Replica replica = replicas.acquire(options());
    Hold hold = replica.hold(replica.latest());
    replica.poll();
    write(0, 3, 3, 3, "2=3");
    write(1, 2, 3, 3, "2=3");
    replica.poll();
    for (int i = 0; i < 6; i++) {
      lookAtAll(replica);
    }
    assertTrue(replica.rescuedBytes() > 0, told.toString());
    hold.close();
    for (int i = 0; i < 2; i++) {
      lookAtAll(replica);
    }
    assertEquals(0, replica.rescuedBytes());
  }
}
