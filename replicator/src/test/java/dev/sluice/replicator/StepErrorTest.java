package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An error of the JVM ends one attempt, wherever it comes, and the next one is made. */
final class StepErrorTest {
  private static final Duration SURELY = Duration.ofSeconds(30);

  @TempDir Path folder;

  /** In a step: TAKEN; in jobs of the attaching, local, storage and level threads: the others. */
  @ParameterizedTest
  @ValueSource(strings = {"TAKEN", "READER_BEGUN", "CUT_WRITTEN", "STORED"})
  void errorIsSaidAndWhatItEndedIsTriedAgain(String step) throws Exception {
    AtomicBoolean isThrown = new AtomicBoolean();
    List<String> troubles = new CopyOnWriteArrayList<>();
    ReplicatorListener listener =
        new ReplicatorListener() {
          @Override
          public void onStatus(DatabaseStatus status) {
            status.trouble().ifPresent(troubles::add);
          }
        };
    Path database = folder.resolve("a.db");
    Path replica = Files.createDirectory(folder.resolve("r"));
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = application.createStatement();
        Replicator replicator =
            Replicator.builder()
                .listener(listener)
                .steps(
                    reached -> {
                      if (reached.name().equals(step) && !isThrown.getAndSet(true)) {
                        throw new OutOfMemoryError("of a test");
                      }
                    })
                .start()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
      ReplicatedDatabase replicated =
          replicator.add(database, ReplicaUrl.ofDirectory(replica.toString()));
      Txid first = replicated.syncAndWait(SURELY);
      statement.execute("INSERT INTO t VALUES(1)");
      assertTrue(replicated.syncAndWait(SURELY).isAfter(first));
      assertTrue(isThrown.get());
      assertEquals(List.of(database + ": java.lang.OutOfMemoryError: of a test"), troubles);
      assertEquals(Optional.empty(), replicated.status().trouble());
    }
  }

  @Test
  void workThatFailsIsDoneAgain() throws Exception {
    try (Workers workers = new Workers()) {
      Failing failing = new Failing(workers);
      failing.serial.wake();
      assertTrue(failing.isDone.await(30, TimeUnit.SECONDS));
    }
  }

  /** Its first step fails. */
  private static final class Failing {
    private final CountDownLatch isDone = new CountDownLatch(2);
    private final Serial serial;

    Failing(Workers workers) {
      this.serial = new Serial(workers, this::step);
    }

    private void step() {
      isDone.countDown();
      if (isDone.getCount() == 1) {
        throw new StackOverflowError("of a test");
      }
    }
  }
}
