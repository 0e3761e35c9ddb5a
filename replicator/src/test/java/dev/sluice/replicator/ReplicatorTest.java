package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application writes, and its database is replicated meanwhile: each TXID must restore to a
 * state that the application has committed, and the last one to the last.
 */
class ReplicatorTest {
  @TempDir Path folder;

  private ReplicatedWorld world;

  @BeforeEach
  void begin(@Seeded("sluice.seed") Seed seed) throws Exception {
    world = new ReplicatedWorld(folder, seed);
  }

  @AfterEach
  void end() throws SQLException {
    world.close();
  }

  @Test
  void whatIsCommittedIsShippedAtEachSync() throws Exception {
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < 20; i++) {
        world.application.commitAnything();
      }
      world.sync();
      assertEquals(round + 1, world.txids().size());
    }
    world.requireAll();
  }

  @Test
  void syncThatIsAskedForAtOnceWaitsForTheFirstImage() throws Exception {
    world.application.commitAnything();
    world.application.close(); // and nothing is left in the WAL
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      assertEquals(List.of(Txid.FIRST), world.txids());
    }
  }

  @Test
  void eachTxidIsACommittedStateWhileTheApplicationWritesAndTheReplicatorRestarts()
      throws Exception {
    List<String> runs = new ArrayList<>();
    for (int run = 0; run < 5; run++) {
      try (Replicator replicator = Replicator.builder().start()) {
        DatabaseSettings settings =
            DatabaseSettings.of(world.database).withSyncInterval(Duration.ofMillis(100));
        ReplicatedDatabase replicated = replicator.add(settings, world.url);
        long endNanos = System.nanoTime() + Duration.ofMillis(1500).toNanos();
        while (System.nanoTime() < endNanos) {
          world.application.commitAnything();
        }
        replicated.end(SURELY).get(SURELY.toSeconds(), TimeUnit.SECONDS);
        assertEquals(Optional.empty(), replicated.status().trouble());
        runs.add(world.application.number() + " transactions, " + world.txids().size() + " TXIDs");
      }
      for (int i = 0; i < 5; i++) {
        world.application.commitAnything();
      }
    }
    world.sync();
    System.out.println("ReplicatorTest: " + runs);
    assertTrue(world.txids().size() >= 10, () -> "hardly anything was shipped: " + runs);
    world.requireAll();
  }

  @Test
  void aStopIsNotKeptFromItsEndByAnApplicationThatGoesOnWriting() throws Exception {
    AtomicBoolean isOver = new AtomicBoolean();
    CompletableFuture<Void> writing = new CompletableFuture<>();
    Thread writer =
        new Thread(
            () -> {
              try {
                while (!isOver.get()) {
                  world.application.commitAnything();
                }
                writing.complete(null);
              } catch (SQLException | RuntimeException e) {
                writing.completeExceptionally(e);
              }
            });
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      replicated.syncAndWait(SURELY);
      writer.start();
      replicated.syncAndWait(SURELY);
      replicated.end(Duration.ofHours(1)).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertEquals(Optional.empty(), replicated.status().trouble());
    } finally {
      isOver.set(true);
    }
    writing.get(SURELY.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void replicaOfAnotherDatabaseIsRefused() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      replicator.add(world.database, world.url);
      Path other = folder.resolve("other.db");
      IllegalArgumentException refusal =
          assertThrows(IllegalArgumentException.class, () -> replicator.add(other, world.url));
      assertTrue(
          String.valueOf(refusal.getMessage()).contains("is the replica of " + world.database));
    }
  }

  @Test
  void databaseThatIsStillEmptyIsWaitedFor() throws Exception {
    Path empty = Files.createFile(folder.resolve("empty.db"));
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(empty, world.url);
      CompletableFuture<Txid> synced = replicated.sync();
      IOException none =
          assertThrows(IOException.class, () -> replicated.syncAndWait(Duration.ofSeconds(1)));
      assertTrue(String.valueOf(none.getMessage()).contains("nothing in the database yet"));
      try (NumberedApplication made = new NumberedApplication(empty, 1)) {
        made.commit();
        assertTrue(synced.get(SURELY.toSeconds(), TimeUnit.SECONDS).isAfter(Txid.NONE));
      }
    }
  }
}
