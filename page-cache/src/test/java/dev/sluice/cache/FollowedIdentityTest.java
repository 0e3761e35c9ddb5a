package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** Whether what is found is still the replica that is followed. */
class FollowedIdentityTest extends FollowedByHand {
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
}
