package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** A copy that is kept current by another process, as readers of it see it. */
final class RestoreFollowProcessTest extends FollowedCopy {

  /** Kills fall anywhere: into fetching, the journal, the pages, between commit and the next. */
  @Test
  void readersInOtherProcessesSeeOnlyWholeStatesWhileTheFollowerIsKilled(
      @Seeded("sluice.seed") Seed seed) throws Exception {
    Random random = seed.random();
    Process follower = start();
    CountDownLatch enough = new CountDownLatch(1);
    List<Process> all = new ArrayList<>(List.of(follower));
    try {
      assertEquals(Txid.FIRST.toString(), firstLine(follower));
      List<CompletableFuture<NavigableSet<Long>>> readers =
          List.of(reader(enough, true), reader(enough, true), reader(enough, false));
      for (long seq = 2; seq <= 500; seq++) {
        change(random, seq);
        if (seq % 5 == 0) {
          awaitSeq(seq - random.nextInt(10), readers);
        }
        if (seq % 120 == 0) {
          follower.destroyForcibly().waitFor();
          follower = start();
          all.add(follower);
        }
      }
      awaitSeq(500, readers);
      enough.countDown();
      for (CompletableFuture<NavigableSet<Long>> reader : readers) {
        NavigableSet<Long> seen = reader.get(60, TimeUnit.SECONDS);
        assertTrue(seen.size() > 15, "states seen: " + seen);
      }
      follower.destroy();
      assertTrue(follower.waitFor(20, TimeUnit.SECONDS));
      assertEquals(ExitCode.DONE, follower.exitValue());
      assertSamePages();
      assertOnlyCopyAndRecord();
    } finally {
      enough.countDown();
      all.forEach(Process::destroyForcibly);
    }
  }

  /** The follower is another process, because locks do not keep a process from itself. */
  @Test
  void readerThatStaysDelaysTheCopyButNoOtherReader() throws Exception {
    Process follower = start();
    try {
      assertEquals(Txid.FIRST.toString(), firstLine(follower));
      try (Connection reader = open(copy);
          Statement statement = reader.createStatement()) {
        statement.execute("BEGIN");
        statement.executeQuery("SELECT seq FROM state").close();
        change(new Random(1), 2);
        Path journal = copy.resolveSibling("copy.db-journal");
        long since = System.nanoTime();
        while (!Files.exists(journal)) { // then only the reader is waited for
          assertTrue(follower.isAlive());
          assertTrue(System.nanoTime() - since < PATIENCE.toNanos());
          LockSupport.parkNanos(1_000_000);
        }
        for (int i = 0; i < 3; i++) {
          assertEquals(1, checkedState());
        }
        assertTrue(Files.exists(journal));
        try (ResultSet row = statement.executeQuery("SELECT seq FROM state")) {
          assertEquals(1, row.getLong(1));
        }
        statement.execute("COMMIT");
        awaitSeq(2, List.of());
        assertEquals(2, checked(reader));
      }
    } finally {
      follower.destroyForcibly();
    }
  }

  @Test
  void copyIsFollowedThoughNobodyReadsOfIt() throws Exception {
    Path err = folder.resolve("err");
    Process follower = start(ProcessBuilder.Redirect.to(err.toFile()));
    try {
      assertEquals(Txid.FIRST.toString(), firstLine(follower));
      CompletableFuture<NavigableSet<Long>> end =
          follower
              .onExit()
              .thenApply(
                  ended -> {
                    throw new IllegalStateException("exit code " + ended.exitValue());
                  });
      follower.getInputStream().close();
      for (long seq = 2; seq <= 4; seq++) {
        change(new Random(seq), seq);
        awaitSeq(seq, List.of(end));
      }
      follower.destroy();
      assertTrue(follower.waitFor(20, TimeUnit.SECONDS));
      assertEquals(ExitCode.DONE, follower.exitValue());
      assertSamePages();
      assertEquals(
          List.of(
              "sluice: follow file://"
                  + primary.replica()
                  + ": write the output: Broken pipe; going on"),
          Files.readAllLines(err).stream().filter(line -> line.startsWith("sluice: ")).toList(),
          "but for what the JVM says");
    } finally {
      follower.destroyForcibly();
    }
  }
}
