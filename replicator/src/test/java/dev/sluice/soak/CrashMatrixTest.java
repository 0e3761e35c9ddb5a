package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.SteppedProcess;
import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon is gone at each step that changes what is on disk or in the replica, beside an
 * application that writes: the next one goes on, and no TXID is wrong, lost or given twice.
 *
 * <p>Some rounds with steps chosen at random, {@code -Dsluice.soak.seed}; all steps, each at its
 * first, a later and a late time, with {@code -Dsluice.soak.crashes=all}.
 */
class CrashMatrixTest {
  private static final boolean IS_ALL = System.getProperty("sluice.soak.crashes", "").equals("all");
  private static final int ROUNDS = 20;
  private static final List<Integer> TIMES = List.of(1, 3, 20);
  private static final Duration ROUND_LIMIT = Duration.ofSeconds(IS_ALL ? 12 : 4);
  private static final Duration END_LIMIT = Duration.ofSeconds(60);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  private final Set<String> reached = new TreeSet<>();
  private int starts;
  private int crashes;

  /** A step, and the how many-th time it is reached. */
  private record Crash(String step, int time) {}

  @Test
  void aDaemonThatIsGoneAtAnyStepIsFollowedByOneThatGoesOn() throws Exception {
    long seed = Long.getLong("sluice.soak.seed", System.nanoTime());
    System.out.println("CrashMatrixTest -Dsluice.soak.seed=" + seed);
    List<String> steps = Steps.names();
    assertTrue(steps.contains("SpoolStep.CUT_RENAMED"), () -> "steps: " + steps);
    List<Crash> all = crashes(steps, new Random(seed));
    crash(seed, all);
    System.out.println(
        "CrashMatrixTest: " + crashes + " of " + all.size() + " crashes, reached " + reached);
    assertTrue(crashes * 2 >= all.size() / 2, "hardly any step was reached");
    if (IS_ALL) {
      assertEquals(new TreeSet<>(steps), reached, "a step that nobody reports is not tested");
    }
  }

  private static List<Crash> crashes(List<String> steps, Random random) {
    List<Crash> all = new ArrayList<>();
    if (IS_ALL) {
      steps.forEach(step -> TIMES.forEach(time -> all.add(new Crash(step, time))));
    } else {
      for (int i = 0; i < ROUNDS; i++) {
        String step = steps.get(random.nextInt(steps.size()));
        all.add(new Crash(step, TIMES.get(random.nextInt(TIMES.size()))));
      }
    }
    return all;
  }

  private void crash(long seed, List<Crash> all) throws Exception {
    Path database = Files.createDirectory(folder.resolve("primary")).resolve("app.db");
    Path journal = folder.resolve("journal");
    Application.Settings settings =
        new Application.Settings(database, journal, seed, 1024, 0, 2000, 3);
    Child application =
        Child.start(
            Child.java(Application.class, settings.arguments()),
            Map.of(),
            folder.resolve("application.log"));
    try (application;
        Storage storage = Storage.directory(folder.resolve("replica"));
        ReplicaClient client = storage.open();
        Verifier verifier =
            new Verifier(
                new Archive(client, folder.resolve("archive")), Journal.open(journal), folder)) {
      assertTrue(application.await("ready"::equals), application::output);
      for (Crash crash : all) {
        round(database, storage, verifier, crash);
        verify(verifier, crash);
        assertTrue(application.isAlive(), application::output);
      }
      end(application, database, storage, verifier);
    }
  }

  private void round(Path database, Storage storage, Verifier verifier, Crash crash)
      throws Exception {
    List<String> end = List.of(crash.step(), Integer.toString(crash.time()));
    Daemon daemon = Daemon.engine(database, storage, "delete", end);
    try (Child child = daemon.start(folder.resolve("daemon-" + starts++ + ".log"))) {
      boolean unused = child.await(SteppedProcess.STARTED::equals);
      long endNanos = System.nanoTime() + ROUND_LIMIT.toNanos();
      while (child.isAlive() && System.nanoTime() < endNanos) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        verifier.updateAll(); // before what is compacted is deleted
      }
      if (child.isAlive()) {
        // The step belongs to an orderly end, or it was not reached so often.
        assertTrue(child.stop(END_LIMIT), child::output);
      } else {
        assertEquals(SteppedProcess.GONE, child.exitCode(), child::output);
      }
      crashes += child.exitCode() == SteppedProcess.GONE ? 1 : 0;
      noteSteps(child);
    }
  }

  private void noteSteps(Child child) {
    child
        .output()
        .lines()
        .filter(line -> line.startsWith(SteppedProcess.STEP))
        .map(line -> line.substring(SteppedProcess.STEP.length()))
        .forEach(reached::add);
  }

  private static void verify(Verifier verifier, Crash crash) throws IOException, SQLException {
    verifier.updateAll();
    assertEquals(List.of(), verifier.faults(), () -> "after " + crash);
  }

  private void end(Child application, Path database, Storage storage, Verifier verifier)
      throws Exception {
    application.say("pause 1");
    assertTrue(application.await(line -> line.startsWith("paused 1 ")), application::output);
    Daemon daemon = Daemon.engine(database, storage, "delete", List.of());
    try (Child child = daemon.start(folder.resolve("daemon-last.log"))) {
      assertTrue(child.await(SteppedProcess.STARTED::equals), child::output);
      assertTrue(child.stop(END_LIMIT), child::output);
      assertTrue(daemon.isAllStored(child), child::output);
      noteSteps(child);
    }
    verifier.updateAll();
    assertEquals(List.of(), verifier.faults());
    Path primary = Primary.copy(database, folder.resolve("primary.db"));
    assertEquals(-1, Files.mismatch(primary, verifier.file()), "the bytes at rest");
    try (ReplicaClient client = storage.open()) {
      assertEquals(-1, Files.mismatch(primary, verifier.restore(client)), "the bytes restored");
    }
  }
}
