package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an application that does not rest has to wait for because of us. */
final class BesideApplicationTest {
  private static final int TRUNCATIONS = 20;

  private static final Duration SURELY = Duration.ofSeconds(30);

  /** Far above what is promised, for a machine that has other work. */
  private static final Duration WAIT_LIMIT = Duration.ofSeconds(1);

  private static final Duration MEDIAN_LIMIT = Duration.ofMillis(500);
  private static final int BARRIERS = 20;

  @TempDir Path folder;

  private Primary primary;
  private DatabaseCapture capture;

  @BeforeEach
  void create() throws SQLException, IOException {
    primary = new Primary(folder);
    primary.create(4096);
    primary.insert(20, 3000);
    primary.set(
        primary
            .settings()
            .withCheckpointPages(50)
            .withTime(InstantSource.system(), System::nanoTime));
    primary.cut();
    capture = primary.capture();
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  /** Captures for as long as the application is at work; returns what that leads to. */
  private <T> T beside(Callable<T> work) throws IOException {
    CompletableFuture<T> done =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return work.call();
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            });
    while (!done.isDone()) {
      long unused = capture.capture();
    }
    return done.join();
  }

  @Test
  void writerThatWaitsIsNeverKeptOutForLong() throws Exception {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    List<Long> waits =
        beside(() -> commits(() -> barriers().count() >= BARRIERS || System.nanoTime() > endNanos));
    assertTrue(barriers().count() >= BARRIERS, () -> barriers().toString());
    waits.sort(Comparator.reverseOrder()); // the machine may have had other work in one of them
    Duration second = Duration.ofNanos(waits.get(1));
    assertTrue(second.compareTo(WAIT_LIMIT) < 0, () -> "commits took " + waits.subList(0, 2));
    assertTrue(secondBarrier().compareTo(WAIT_LIMIT) < 0, () -> barriers().toString());
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs(), "but for the first image");
  }

  private BarrierTimes barriers() {
    return capture.checkpoints().barriers();
  }

  /** Returns what all barriers but the longest did not pass. */
  private Duration secondBarrier() {
    double count = barriers().count();
    return barriers().percentile(100 * (count - 1.5) / count);
  }

  /** Commits on a connection of its own; returns what each commit took, in nanoseconds. */
  private List<Long> commits(BooleanSupplier isEnough) throws SQLException {
    List<Long> nanos = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + primary.database());
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout=10000");
      statement.execute("PRAGMA synchronous=OFF");
      while (!isEnough.getAsBoolean()) {
        long begunNanos = System.nanoTime();
        statement.execute("INSERT OR REPLACE INTO t VALUES(1000 + random() % 900, zeroblob(3000))");
        nanos.add(System.nanoTime() - begunNanos);
      }
    }
    return nanos;
  }

  /** The WAL stays short here: SQLite has nobody wait while a checkpoint of ours is under way. */
  @Test
  void foreignTruncationGetsThroughWhileWeCapture() throws Exception {
    primary.execute("PRAGMA busy_timeout=3000");
    List<Long> waits = new ArrayList<>();
    int busy = 0;
    for (int i = 0; i < TRUNCATIONS; i++) {
      primary.insert(10, 3000);
      long begunNanos = System.nanoTime();
      busy += beside(() -> primary.checkpoint("TRUNCATE")) == 0 ? 0 : 1;
      waits.add(System.nanoTime() - begunNanos);
    }
    Collections.sort(waits);
    assertEquals(0, busy, "of " + TRUNCATIONS + " truncations did not get through");
    Duration median = Duration.ofNanos(waits.get(TRUNCATIONS / 2));
    assertTrue(median.compareTo(MEDIAN_LIMIT) < 0, () -> "half of them took " + median);
    primary.insert(10, 3000);
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs(), "but for the first image");
  }
}
