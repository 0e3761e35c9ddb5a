package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an application that listens is told. */
final class ListenerTest {
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

  /** Keeps what it is told, and on which threads. */
  private static final class Hearing implements ReplicatorListener {
    private final LinkedBlockingQueue<Txid> uploaded = new LinkedBlockingQueue<>();
    private final List<DatabaseStatus> statuses = new CopyOnWriteArrayList<>();
    private final Set<String> threads = ConcurrentHashMap.newKeySet();
    private final Set<Path> databases = ConcurrentHashMap.newKeySet();

    @Override
    public void onUploaded(Path database, Txid txid) {
      threads.add(Thread.currentThread().getName().replaceAll("-[0-9]+$", ""));
      databases.add(database);
      uploaded.add(txid);
    }

    @Override
    public void onStatus(DatabaseStatus status) {
      threads.add(Thread.currentThread().getName().replaceAll("-[0-9]+$", ""));
      databases.add(status.database());
      statuses.add(status);
    }

    private Txid awaitUploaded() throws InterruptedException {
      Txid txid = uploaded.poll(SURELY.toSeconds(), TimeUnit.SECONDS);
      assertTrue(txid != null, "nothing is told");
      return txid == null ? Txid.NONE : txid;
    }

    private void awaitStatuses(int count) {
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (statuses.size() < count) {
        assertTrue(System.nanoTime() < endNanos, () -> String.valueOf(statuses));
        Thread.onSpinWait();
      }
    }

    private List<Phase> phases() {
      return statuses.stream().map(DatabaseStatus::phase).toList();
    }
  }

  @Test
  void eachUploadAndEachPhaseIsToldInOrderOnTheThreadsOfTheSteps() throws Exception {
    Hearing hearing = new Hearing();
    try (Replicator replicator = Replicator.builder().listener(hearing).start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      assertEquals(Txid.FIRST, hearing.awaitUploaded());
      for (long txid = 2; txid <= 5; txid++) {
        world.application.commit();
        assertEquals(new Txid(txid), replicated.syncAndWait(SURELY));
        assertEquals(new Txid(txid), hearing.awaitUploaded());
        assertEquals(new Txid(txid), world.txids().get((int) txid - 1));
      }
      replicated.end(SURELY).get(SURELY.toSeconds(), TimeUnit.SECONDS);
    }
    assertTrue(hearing.uploaded.isEmpty(), hearing.uploaded::toString);
    List<Phase> phases = new ArrayList<>(hearing.phases());
    phases.remove(Phase.WAITING); // while the spool is opened, if that is seen
    if (phases.get(0) == Phase.OPENING) { // if the opening is not over at once
      phases.remove(0);
    }
    assertEquals(List.of(Phase.CAPTURING, Phase.ENDING, Phase.STOPPED), phases);
    assertEquals(Set.of("sluice-capture"), hearing.threads);
    assertEquals(Set.of(world.database), hearing.databases);
    world.requireAll();
  }

  @Test
  void troubleIsToldWhenItBeginsAndWhenItIsOver() throws Exception {
    Hearing hearing = new Hearing();
    try (Replicator replicator = Replicator.builder().listener(hearing).start()) {
      ReplicatedDatabase replicated = replicator.add(world.database, world.url);
      replicated.syncAndWait(SURELY);
      int before = hearing.statuses.size();
      FolderAway away = FolderAway.take(world.replica);
      world.application.commit();
      long failures = replicated.figures().requests().failures();
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (replicated.figures().requests().failures() < failures + 3) {
        assertTrue(System.nanoTime() < endNanos, () -> replicated.status().toString());
        Thread.onSpinWait();
      }
      away.bringBack();
      replicated.syncAndWait(SURELY);
      hearing.awaitStatuses(before + 2); // which may be told a moment later
      List<Boolean> told =
          hearing.statuses.stream().skip(before).map(is -> is.trouble().isPresent()).toList();
      assertEquals(List.of(true, false), told);
    }
  }

  @Test
  void listenerThatThrowsHarmsNothing() throws Exception {
    ReplicatorListener failing =
        new ReplicatorListener() {
          @Override
          public void onUploaded(Path database, Txid txid) {
            throw new IllegalStateException("uploaded");
          }

          @Override
          public void onStatus(DatabaseStatus status) {
            throw new AssertionError("status");
          }
        };
    try (LoggedLines lines = new LoggedLines()) {
      try (Replicator replicator = Replicator.builder().listener(failing).start()) {
        ReplicatedDatabase replicated = replicator.add(world.database, world.url);
        assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
        for (long txid = 2; txid <= 3; txid++) {
          world.application.commit();
          assertEquals(new Txid(txid), replicated.syncAndWait(SURELY));
        }
        assertEquals(0, replicated.figures().troubles());
      }
      List<String> errors = lines.of(Level.ERROR);
      assertEquals(Set.of("ERROR a listener failed"), Set.copyOf(errors));
      assertTrue(errors.size() >= 5, errors::toString);
    }
    world.requireAll();
  }
}
