package dev.sluice.replicator.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.metrics.Health;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What is in the spool of a lost database is not lost. */
final class LeftSpoolTest extends LostDatabase {
  @Test
  void itIsShippedBeforeTheDatabaseIsRestored() throws Exception {
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin();
      assertEquals(List.of(new Txid(1), new Txid(2), new Txid(3)), contents().txids());
      goOnWriting(daemon.databases().all().get(0).last());
    }
  }

  @Test
  void itIsShippedWhileTheDatabaseIsWaitedFor() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      await(() -> replicated.status().uploaded().equals(new Txid(3)));
      assertEquals(Phase.WAITING, replicated.status().phase());
      requireAll();
      contents().restore(new Target.Latest(), database);
      goOnWriting(replicated);
    }
  }

  @Test
  void itIsShippedBeforeAnEnd() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase unused = replicator.add(database, url);
    }
    requireAll();
  }

  @Test
  void anotherDatabaseInItsPlaceIsNotTakenForIt() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      await(() -> replicated.status().uploaded().equals(new Txid(3)));
      number += 10;
      Path other = Files.createDirectory(folder.resolve("other")).resolve("a.db");
      try (Connection application = connect(other)) {
        commit(application);
      }
      Files.move(other, database, StandardCopyOption.ATOMIC_MOVE); // its first image has a row
      try (Connection application = connect(database)) {
        commit(application);
        replicated.syncAndWait(SURELY);
      }
    }
    requireAll();
  }

  @Test
  void nothingIsRestoredWhileTheStorageIsAwayAndLaterNothingIsMissing() throws Exception {
    Path aside = folder.resolve("aside");
    Files.move(replica, aside);
    Files.writeString(replica, "no directory");
    DatabaseSettings settings = DatabaseSettings.of(database);
    try (Replicator replicator = Replicator.builder().start()) {
      IOException failure =
          assertThrows(
              IOException.class,
              () -> replicator.shipLeft(settings, client(), Duration.ofMillis(100)));
      assertTrue(
          String.valueOf(failure.getMessage()).contains(" bytes are not shipped: "),
          failure::toString);
      bringBack(aside);
      replicator.shipLeft(settings, client(), SURELY);
      requireAll();
      replicator.shipLeft(settings, client(), SURELY); // as if it was killed before the restore
    }
    itIsShippedBeforeTheDatabaseIsRestored();
  }

  @Test
  void databaseIsNotHealthyWhileWhatItLeftCannotBeShipped() throws Exception {
    Path aside = takeAway();
    try (Daemon daemon = waitingDaemon()) {
      daemon.begin();
      Health health = new Health(daemon.databases(), Duration.ofMillis(50));
      await(() -> !health.problems().isEmpty());
      bringBackAtOnce(aside);
      await(() -> health.problems().isEmpty());
    }
    requireAll();
  }

  @Test
  @SuppressWarnings("try") // the other process ends within
  void databaseThatAnotherProcessHasIsNotRestoredAndOthersAreReplicated() throws Exception {
    Path other = folder.resolve("b.db");
    connect(other).close();
    String databases =
        "[{path: %s, restore-if-db-not-exists: true, replica: {path: %s}}, {path: "
            + other
            + ", replica: {path: "
            + folder.resolve("rb")
            + "}}]";
    SpoolSetup setup = new SpoolSetup(InstantSource.system(), step -> {});
    try (Spool taken = Spool.open(spool, setup);
        Daemon daemon = daemon(databases)) {
      daemon.begin();
      assertFalse(Files.exists(database));
      ReplicatedDatabase replicated =
          daemon.databases().find(other.toRealPath()).orElseThrow().last();
      assertEquals(new Txid(1), replicated.syncAndWait(SURELY));
      taken.close();
      await(
          () ->
              daemon
                  .databases()
                  .find(database)
                  .orElseThrow()
                  .last()
                  .status()
                  .uploaded()
                  .equals(new Txid(3)));
    }
    requireAll();
  }

  private void requireLeftAlone(DatabaseStatus status) throws IOException {
    String trouble = status.trouble().orElse("");
    assertTrue(
        trouble.startsWith(database + ": what its spool " + spool + " holds is not shipped: "),
        trouble);
    assertTrue(Files.exists(spool.resolve("ltx/0/0000000000000002-0000000000000002.ltx")));
    assertFalse(Files.exists(database));
  }

  @Test
  void itStaysWhereItIsIfSomebodyElseHasWrittenTheSameTxid() throws Exception {
    Path other = folder.resolve("b.db");
    contents().restore(new Target.Latest(), other);
    try (Connection application = connect(other);
        Replicator replicator = Replicator.builder().start()) {
      execute(application, "DELETE FROM t");
      ReplicatedDatabase replicated = replicator.add(other, url);
      assertEquals(new Txid(2), replicated.syncAndWait(SURELY));
    }
    List<Txid> before = contents().txids();
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(database, url);
      await(() -> replicated.status().phase() == Phase.STOPPED);
      requireLeftAlone(replicated.status());
    }
    assertEquals(before, contents().txids());
    try (Daemon daemon = restoringDaemon()) {
      daemon.begin(); // and the database stands still, for a person to look
      ReplicatedDatabase replicated = daemon.databases().all().get(0).last();
      await(() -> replicated.status().phase() == Phase.STOPPED);
    }
    assertEquals(before, contents().txids());
    assertTrue(Files.exists(spool.resolve("ltx/0/0000000000000002-0000000000000002.ltx")));
  }

  @Test
  void snapshotThatIsAskedForMeanwhileFails() throws Exception {
    delete(spool);
    try (Replicator replicator = Replicator.builder().start()) {
      CompletableFuture<Void> asked = replicator.add(database, url).snapshot();
      ExecutionException failure =
          assertThrows(ExecutionException.class, () -> asked.get(30, TimeUnit.SECONDS));
      assertTrue(
          String.valueOf(failure.getMessage()).endsWith(database + ": there is no such file"),
          failure::toString);
    }
  }
}
