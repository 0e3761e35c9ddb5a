package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What becomes of the pages of views whose files go. */
class HeldViewTest extends FollowedByHand {
  /** What is known of it is more than that the time is over. */
  @Test
  void aPageThatWasGoneBeforeNothingMoreIsHeardIsSaidToBeGone() throws IOException {
    write(0, 1, 1, 2, "1=1 2=1");
    Replica replica = open();
    View view = latest(replica);
    LtxFileName name = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
    absent.add(name);
    fallingSilent.add(name);
    ByteBuffer dst = ByteBuffer.allocate(PAGE_SIZE);
    Patience patience = Patience.of(Duration.ofSeconds(1));
    String message =
        String.valueOf(
            assertThrows(
                    ReplicaException.Unavailable.class, () -> replica.read(view, 2, dst, patience))
                .getMessage());
    assertTrue(message.contains("history gone"), message);
    assertTrue(message.contains("since then: "), message);
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
