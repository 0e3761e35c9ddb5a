package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.LocalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** What of a page store is of the replica that is there now: another's, or another branch of it. */
class StoreLineageTest extends ReopenedByHand {
  private static final int SLOW_PAGES = 16_000;
  private static final long SLOW_BYTES_PER_SECOND = 4_000_000;

  /** As another start of the system, without an orderly end before it. */
  private void cutPower() throws IOException {
    awaitClosed();
    Path control = folder().resolve("store-1/control");
    byte[] state = Files.readAllBytes(control);
    ByteBuffer.wrap(state).putInt(28, 0).putLong(32, 42); // not clean, of another boot
    CRC32C crc = new CRC32C();
    crc.update(state, 0, 60);
    ByteBuffer.wrap(state).putInt(60, (int) crc.getValue());
    Files.write(control, state);
  }

  @Test
  void aCheckpointOfABranchThatWasLeftDoesNotCount() throws IOException {
    write(9, 1, 10, 6, "1=1 2=1 3=1 4=1 5=1 6=1");
    write(0, 11, 11, 6, "1=11 2=11");
    write(0, 12, 12, 6, "1=12 3=12");
    write(0, 13, 13, 6, "1=13 4=13");
    Replica before = open();
    assertPages(before, latest(before), 13, 11, 12, 13, 1, 1);
    before.store().orElseThrow().checkpoint(13, 6); // as every five minutes
    replicas.release(before);
    awaitClosed();
    for (long txid = 11; txid <= 13; txid++) {
      delete(0, txid, txid);
    }
    write(1, 11, 13, 6, "1=113 2=112");
    Replica other = open();
    lookAtAll(other);
    write(0, 14, 14, 6, "1=114");
    lookAtAll(other);
    lookAtAll(other);
    replicas.release(other);
    cutPower();
    Replica after = open();
    assertPages(after, latest(after), 114, 112, 1, 1, 1, 1);
    replicas.release(after);
  }

  @Test
  void whatChangedJustBeforeTheEndIsNotReadAgain() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica before = open();
    assertPages(before, latest(before), 1, 1, 1);
    write(0, 2, 2, 3, "2=2");
    before.poll();
    assertPages(before, latest(before), 1, 2, 1);
    replicas.release(before);
    assertEquals(0, read(1, 2, 1));
  }

  /** What a checkpoint is of must be known to whoever reads it. */
  @Test
  void aCheckpointCountsFromTheMomentItIsThere() throws IOException {
    int[] seeds = new int[SLOW_PAGES];
    Arrays.fill(seeds, 1);
    write(9, 1, 1, SLOW_PAGES, everyPage(1));
    StoreOptions slowly =
        StoreOptions.DEFAULT.hydrated(true).withHydrationBytesPerSecond(SLOW_BYTES_PER_SECOND);
    Replica before = replicas.acquire(options().withStore(slowly));
    before.latest();
    before.poll(); // which looks at all; the next does not
    write(0, 2, 2, SLOW_PAGES, "2=2");
    seeds[1] = 2;
    before.poll();
    TestReplicas.await(() -> Files.exists(folder().resolve("store-1/checkpoint")));
    byte[] lineage = Files.readAllBytes(folder().resolve("store-1/lineage"));
    replicas.release(before);
    cutPower();
    Files.write(folder().resolve("store-1/lineage"), lineage);
    assertEquals(0, read(seeds));
  }

  private static String everyPage(int seed) {
    return LongStream.rangeClosed(1, SLOW_PAGES)
        .mapToObj(pgno -> pgno + "=" + seed)
        .collect(Collectors.joining(" "));
  }

  @Test
  void anotherReplicaInThePlaceIsSeen() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    read(1, 2, 1);
    delete(0, 1, 1);
    delete(0, 2, 2);
    write(0, 1, 1, 3, "1=7 2=7 3=7");
    write(0, 2, 2, 3, "2=8");
    assertEquals(3, read(7, 8, 7), "the same TXIDs");
    assertEquals(0, read(7, 8, 7));
    for (long txid = 1; txid <= 2; txid++) {
      delete(0, txid, txid);
    }
    write(9, 1, 5, 3, "1=9 2=9 3=9");
    assertEquals(3, read(9, 9, 9), "higher TXIDs, none of the files known");
    write(9, 1, 6, 3, "1=10 2=10 3=10");
    delete(9, 1, 5);
    assertEquals(3, read(10, 10, 10));
  }

  @Test
  void aReplicaThatWentOnOtherwiseIsSeen() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    write(0, 2, 2, 3, "2=2");
    write(0, 3, 3, 3, "3=3");
    read(1, 2, 3);
    delete(0, 2, 2);
    delete(0, 3, 3);
    assertEquals(2, read(1, 1, 1), "it went back");
    write(0, 2, 2, 3, "3=12");
    assertEquals(1, read(1, 1, 12));
    delete(0, 2, 2);
    write(0, 2, 2, 3, "1=22");
    write(0, 3, 3, 3, "2=23");
    assertEquals(3, read(22, 23, 1), "a file that was known is another");
  }

  /** Page 1 changes with each transaction; pages 5 and 6 are of the snapshot in both branches. */
  private void writeSnapshotAndBranch() throws IOException {
    write(9, 1, 10, 6, "1=1 2=1 3=1 4=1 5=1 6=1");
    write(0, 11, 11, 6, "1=11 2=11");
    write(0, 12, 12, 6, "1=12 3=12");
    write(0, 13, 13, 6, "1=13 4=13");
    assertEquals(6, read(13, 11, 12, 13, 1, 1));
  }

  private void deleteBranch() throws IOException {
    for (long txid = 11; txid <= 13; txid++) {
      delete(0, txid, txid);
    }
  }

  @Test
  void aReplicaThatWasSetBackAndWentOnPastTheStoreIsSeen() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(1, 11, 15, 6, "1=115 2=112");
    assertEquals(4, read(115, 112, 1, 1, 1, 1), "pages 3 and 4 are as before the branch again");
    assertEquals(0, read(115, 112, 1, 1, 1, 1));
    write(0, 16, 16, 6, "1=116 6=116");
    assertEquals(2, read(116, 112, 1, 1, 1, 116));
  }

  @Test
  void aReplicaThatWasSetBackAndCameToTheSameTxidIsSeen() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(1, 11, 12, 6, "1=112 5=112");
    write(1, 13, 13, 6, "1=113");
    assertEquals(5, read(113, 1, 1, 1, 112, 1));
    assertEquals(0, read(113, 1, 1, 1, 112, 1));
  }

  @Test
  void aBranchThatNobodyHasCheckedIsSeenAtTheNextRestart() throws IOException {
    writeSnapshotAndBranch();
    replicas.release(open()); // nobody reads: every page waits to be checked
    awaitClosed();
    deleteBranch();
    write(1, 11, 15, 6, "1=115 2=112");
    assertEquals(4, read(115, 112, 1, 1, 1, 1));
  }

  /** The newest of level 0 are gone after a while: what they changed comes again, not the rest. */
  @Test
  void whatWasCompactedMeanwhileDoesNotMakeOthersCome() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(1, 11, 13, 6, "1=13 2=11 3=12 4=13");
    write(1, 14, 15, 6, "1=15");
    assertEquals(4, read(15, 11, 12, 13, 1, 1));
    assertEquals(0, read(15, 11, 12, 13, 1, 1));
  }

  @Test
  void aCompactedFileThatWasSeenProvesWhatItHolds() throws IOException {
    writeSnapshotAndBranch();
    Replica replica = open();
    write(1, 11, 12, 6, "1=12 2=11 3=12");
    lookAtAll(replica);
    lookAtAll(replica);
    replicas.release(replica);
    deleteBranch();
    write(1, 13, 15, 6, "1=15 4=13");
    assertEquals(2, read(15, 11, 12, 13, 1, 1));
  }

  /** A listing may lag behind; a compaction may be under way. */
  @Test
  void aListingThatLagsBehindTheStoreCostsWhatCameSince() throws IOException {
    writeSnapshotAndBranch();
    Path newest = TestReplicas.file(dir, 0, 13, 13);
    Path hidden = Files.move(newest, side.resolve("hidden"));
    assertEquals(2, read(12, 11, 12, 1, 1, 1));
    assertEquals(0, read(12, 11, 12, 1, 1, 1));
    Files.move(hidden, newest);
    assertEquals(2, read(13, 11, 12, 13, 1, 1));
    Files.move(newest, hidden);
    Replica replica = open();
    assertPages(replica, latest(replica), 12, 11, 12, 1, 1, 1);
    Files.move(hidden, newest);
    lookAtAll(replica);
    assertPages(replica, latest(replica), 13, 11, 12, 13, 1, 1);
    replicas.release(replica);
    assertEquals(0, read(13, 11, 12, 13, 1, 1));
    assertEquals(List.of("store-1"), stores());
  }

  @Test
  void aReplicaThatIsShorterAndAnotherIsSeen() throws IOException {
    writeSnapshotAndBranch();
    deleteBranch();
    write(0, 11, 11, 6, "1=111 2=111");
    assertEquals(6, read(111, 111, 1, 1, 1, 1), "a file that was known is another");
    assertEquals(List.of("store-2"), stores());
  }

  @Test
  void whoOpensAnewAfterAnotherTookThePlaceOwnsTheFolder() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica first = open();
    assertPages(first, latest(first), 1, 1, 1);
    delete(0, 1, 1);
    write(0, 1, 1, 3, "1=7 2=7 3=7");
    lookAtAll(first);
    Replica second = open();
    assertPages(second, latest(second), 7, 7, 7);
    assertTrue(second.store().flatMap(LocalStore::file).isPresent());
    replicas.release(first);
    replicas.release(second);
    assertEquals(0, read(7, 7, 7));
  }

  @Test
  void whoOpensAnewWhileTheReplicaIsDoubtedOwnsTheFolder() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica first = open();
    View old = latest(first);
    assertPages(first, old, 1, 1, 1);
    delete(0, 1, 1);
    write(9, 1, 5, 3, "1=9 2=9 3=9");
    lookAtAll(first);
    first.requireSame();
    Replica second = open();
    assertPages(second, latest(second), 9, 9, 9);
    assertEquals(Optional.of(folder().resolve("store-1/pages")), storeFile(second));
    assertEquals(Optional.empty(), storeFile(first));
    assertThrows(ViewException.HistoryGone.class, () -> TestReplicas.page(first, old, 1));
    replicas.release(first);
    replicas.release(second);
    assertEquals(0, read(9, 9, 9));
  }

  private static Optional<Path> storeFile(Replica replica) {
    return replica.store().flatMap(LocalStore::file);
  }

  /** What a replica leaves that was doubted and released is judged by who opens it next. */
  @Test
  void whatADoubtedReplicaLeavesIsOfNoUseToAnother() throws IOException {
    write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica first = open();
    assertPages(first, latest(first), 1, 1, 1);
    delete(0, 1, 1);
    write(9, 1, 5, 3, "1=9 2=9 3=9");
    lookAtAll(first);
    first.requireSame();
    replicas.release(first);
    assertEquals(3, read(9, 9, 9));
    assertEquals(List.of("store-2"), stores());
  }

  /** A listing that was wrong for a moment costs nothing where nobody opened the replica then. */
  @Test
  void whatADoubtedReplicaLeavesIsOfUseToItself() throws IOException {
    Path only = write(0, 1, 1, 3, "1=1 2=1 3=1");
    Replica first = open();
    assertPages(first, latest(first), 1, 1, 1);
    Path hidden = Files.move(only, side.resolve("hidden"));
    Path other = write(9, 1, 5, 3, "1=9 2=9 3=9");
    lookAtAll(first);
    assertTrue(first.isReplaced());
    replicas.release(first);
    Files.delete(other);
    Files.move(hidden, only);
    assertEquals(0, read(1, 1, 1));
    assertEquals(List.of("store-1"), stores());
  }
}
