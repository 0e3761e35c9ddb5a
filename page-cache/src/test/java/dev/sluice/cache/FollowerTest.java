package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a follower makes of files that come, are not there or are damaged, look by look. */
class FollowerTest extends FollowedByHand {
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
  void aFileThatWasDamagedOnItsWayIsReadAgainSoonAndThenEverMoreSeldom() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = open();
    write(0, 2, 2, 2, "1=2");
    damaged.add(new LtxFileName(0, new TxidRange(new Txid(2), new Txid(2))));
    int readsBefore = damagedReads.get();
    for (int second = 0; second < 120; second++) {
      replica.poll();
      nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    }
    assertEquals(1, latest(replica).txid().value());
    // At 0, 1, 3, 7, 15, 31, 61 and 91 s.
    assertEquals(8, (damagedReads.get() - readsBefore) / 3);
    damaged.clear();
    nanos.addAndGet(LOOK_AT_ALL.toNanos());
    replica.poll();
    assertPages(replica, latest(replica), 2, 1);
    assertEquals(Optional.empty(), replica.lastError());
    write(0, 3, 3, 2, "1=3");
    damaged.add(new LtxFileName(0, new TxidRange(new Txid(3), new Txid(3))));
    replica.poll();
    assertEquals(2, latest(replica).txid().value());
    damaged.clear();
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    replica.poll();
    assertPages(replica, latest(replica), 3, 1);
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
}
