package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.spool.SpoolGlance;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A database is gone, and its spool has a cut that the replica lacks. */
final class ShipLeftTest {
  private static final Duration SURELY = ReplicatedWorld.SURELY;

  @TempDir Path folder;

  private ReplicatedWorld world;
  private DatabaseSettings settings;

  @BeforeEach
  void loseTheDatabase(@Seeded("sluice.seed") Seed seed) throws Exception {
    world = new ReplicatedWorld(folder, seed);
    settings = DatabaseSettings.of(world.database);
    Path aside = folder.resolve("aside");
    try (Replicator replicator = Replicator.builder().endLimit(Duration.ZERO).start()) {
      ReplicatedDatabase replicated = replicator.add(settings, world.url);
      assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      Files.move(world.replica, aside);
      Files.writeString(world.replica, "no directory");
      world.application.commit();
      await(() -> !replicated.status().cut().isBefore(new Txid(2)));
    }
    Files.delete(world.replica);
    Files.move(aside, world.replica);
    world.application.close();
    for (String end : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(Path.of(world.database + end));
    }
    assertTrue(SpoolGlance.holdsCommits(settings.metaPath()));
  }

  @AfterEach
  void close() throws Exception {
    world.close();
  }

  private static void await(BooleanSupplier claim) {
    long begunNanos = System.nanoTime();
    while (!claim.getAsBoolean()) {
      assertTrue(System.nanoTime() - begunNanos < SURELY.toNanos(), "it does not come");
      Thread.onSpinWait();
    }
  }

  private ReplicaClient client() {
    return ReplicaClients.open(world.url, name -> Optional.empty());
  }

  private boolean isInUse() {
    try {
      return SpoolGlance.isInUse(settings.metaPath());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatFailsAtEachAttemptIsGivenUp() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    try (Replicator replicator =
        Replicator.builder()
            .steps(
                step -> {
                  if (step.name().equals("LISTED")) {
                    attempts.incrementAndGet();
                    throw new IllegalStateException("of a test");
                  }
                })
            .start()) {
      Duration patience = Duration.ofMillis(600); // the pauses are 0.5, 1, 2 ... s
      IOException failure =
          assertThrows(IOException.class, () -> replicator.shipLeft(settings, client(), patience));
      assertEquals("of a test", failure.getMessage());
      assertTrue(attempts.get() <= 2, () -> attempts + " attempts");
    }
    assertTrue(SpoolGlance.holdsCommits(settings.metaPath()));
  }

  @Test
  @SuppressWarnings("try") // what is blocked goes on in the end
  void oneThatIsEndedEarlyIsNotTakenForShipped() throws Exception {
    CountDownLatch isOver = new CountDownLatch(1);
    try (Workers workers = new Workers();
        AutoCloseable unblocked = isOver::countDown) {
      assertFalse(unblocked.equals(workers));
      for (int i = 0; i < 16; i++) { // and the spool is not opened
        workers.attaching().execute(() -> awaitQuietly(isOver));
      }
      DatabaseTask task =
          new DatabaseTask(settings, client(), workers, new ReplicatorListener() {}, step -> {});
      CompletableFuture<Void> shipped =
          CompletableFuture.runAsync(
              () -> {
                try {
                  LeftSpool.ship(task, SURELY);
                } catch (IOException e) {
                  throw new IllegalStateException(e.getMessage(), e);
                }
              });
      await(
          () -> {
            var unused = task.end(Duration.ZERO);
            return shipped.isDone();
          });
      ExecutionException failure = assertThrows(ExecutionException.class, shipped::get);
      String why = String.valueOf(failure.getMessage());
      assertTrue(why.endsWith(" holds is not shipped"), why);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      boolean unused = latch.await(SURELY.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void logSaysWhatIsShippedAndThatItIsDone() throws Exception {
    List<String> lines = new CopyOnWriteArrayList<>();
    AppenderBase<ILoggingEvent> appender =
        new AppenderBase<>() {
          @Override
          protected void append(ILoggingEvent event) {
            lines.add(event.getFormattedMessage());
          }
        };
    appender.start();
    List<Logger> loggers =
        Stream.of(LeftSpool.class, Standing.class)
            .map(source -> (Logger) LoggerFactory.getLogger(source))
            .toList();
    for (Logger logger : loggers) {
      logger.setLevel(Level.INFO);
      logger.addAppender(appender);
    }
    try (Replicator replicator = Replicator.builder().start()) {
      replicator.shipLeft(settings, client(), SURELY);
    } finally {
      for (Logger logger : loggers) {
        logger.detachAppender(appender);
        logger.setLevel(null);
      }
    }
    assertEquals(2, lines.size(), lines::toString);
    assertTrue(
        lines.get(0).matches(".*: the file is gone; \\d+ bytes .* are shipped"), lines.get(0));
    assertTrue(lines.get(1).endsWith(" is shipped, up to TXID 0000000000000002"), lines.get(1));
  }

  @Test
  void spoolThatCannotBeLookedAtIsATrouble() throws Exception {
    Path record = settings.metaPath().resolve("position");
    Path aside = folder.resolve("position");
    Files.move(record, aside);
    Files.createDirectory(record);
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(settings, world.url);
      await(() -> replicated.status().trouble().isPresent());
      Files.delete(record);
      Files.move(aside, record);
      await(() -> !replicated.status().uploaded().isBefore(new Txid(2)));
      await(() -> replicated.status().trouble().isEmpty());
    }
  }

  @Test
  void spoolIsLetGoOfWhenAllOfItIsShipped() throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated = replicator.add(settings, world.url);
      await(() -> !replicated.status().uploaded().isBefore(new Txid(2)));
      await(() -> !isInUse()); // there may be more than one file to ship
      assertEquals(0, replicated.status().waitingBytes());
      assertEquals(Phase.WAITING, replicated.status().phase());
      assertFalse(Files.exists(world.database));
    }
    world.requireAll();
  }
}
