package dev.sluice.replicator.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.ReplicaContents;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.Replicator;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The replica does not reach the spool of a lost database, which nobody deletes for that. */
final class SetAsideTest extends LostDatabase {
  private long lost;
  private @Nullable String lostSum;

  private Path aside() {
    return folder.resolve(spool.getFileName() + ".left-1");
  }

  /** The replica is at 1, and the spool goes on at 3; what it went on from lies beside. */
  private void makeGap() throws IOException {
    Path reached = folder.resolve("reached");
    copy(replica, reached);
    Files.delete(cut(spool, 1));
    Files.createDirectories(reached.resolve("ltx/0"));
    Files.move(cut(spool, 2), cut(reached, 2));
    lost = number;
    lostSum = sums.get(number);
    number = 1;
  }

  private static Path cut(Path of, long txid) {
    return of.resolve("ltx/0/%016x-%016x.ltx".formatted(txid, txid));
  }

  /** A replica that it reaches has all that was committed. */
  private void requireWhole(Path left) throws Exception {
    ReplicaUrl reached = ReplicaUrl.ofDirectory(folder.resolve("reached").toString());
    Path other = folder.resolve("other.db");
    DatabaseSettings settings = DatabaseSettings.of(other).withMetaPath(left);
    try (Replicator replicator = Replicator.builder().start()) {
      replicator.shipLeft(settings, ReplicaClients.open(reached, NOTHING), SURELY);
    }
    new ReplicaContents(reached).restore(new Txid(3), other);
    try (Connection copy = DriverManager.getConnection("jdbc:sqlite:" + other)) {
      assertEquals(String.valueOf(lost), value(copy, "SELECT max(number) FROM t"));
      assertEquals(lostSum, sum(copy));
    }
  }

  @Test
  void itOutlivesTheRestoredDatabasesReplication() throws Exception {
    makeGap();
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin();
      goOnWriting(daemon.databases().all().get(0).last());
    }
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin();
      goOnWriting(daemon.databases().all().get(0).last());
    }
    requireWhole(aside());
  }

  @Test
  void itOutlivesAnotherDatabaseInItsPlace() throws Exception {
    makeGap();
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      await(() -> Files.exists(aside()));
      await(() -> trouble(replicated).contains(" lies in " + aside()));
      assertTrue(trouble(replicated).endsWith("the spool goes on at 0000000000000003"));
      assertEquals(Phase.WAITING, replicated.status().phase());
      number += 10;
      try (Connection application = connect(database)) {
        commit(application);
        replicated.syncAndWait(SURELY);
      }
      assertEquals("", trouble(replicated));
    }
    requireAll();
    requireWhole(aside());
  }

  private static String trouble(ReplicatedDatabase replicated) {
    return replicated.status().trouble().orElse("");
  }

  /** Whether it can be shipped is known only when the file is there again. */
  @Test
  void itOutlivesDatabaseThatCameBeforeTheStorageWasBack() throws Exception {
    makeGap();
    Path away = takeAway();
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      await(() -> !trouble(replicated).isEmpty());
      number += 10;
      try (Connection application = connect(database)) {
        commit(application);
        await(() -> replicated.status().phase() == Phase.CAPTURING);
        bringBackAtOnce(away);
        replicated.syncAndWait(SURELY);
      }
    }
    requireAll();
    requireWhole(aside());
  }

  /** The replica was another one by mistake. */
  @Test
  void itIsShippedWhenItWasPutBack() throws Exception {
    Files.delete(cut(spool, 1)); // the replica has it
    Path away = folder.resolve("away");
    Files.move(replica, away);
    Files.createDirectory(replica);
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin();
      assertFalse(Files.exists(database));
      assertEquals(List.of(), contents().txids());
    }
    bringBack(away);
    Files.move(aside(), spool);
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin();
      goOnWriting(daemon.databases().all().get(0).last());
    }
  }

  @Test
  void eachHasFolderOfItsOwn() throws Exception {
    Files.createDirectory(aside());
    makeGap();
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin();
    }
    requireWhole(folder.resolve(spool.getFileName() + ".left-2"));
  }
}
