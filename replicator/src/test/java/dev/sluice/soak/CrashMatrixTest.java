package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.SteppedProcess;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon is gone at each step that changes what is on disk or in the replica, beside an
 * application that writes: the next one goes on, and no TXID is wrong, lost or given twice.
 *
 * <p>Some rounds with steps chosen at random, {@code -Dsluice.soak.seed}, {@code
 * -Dsluice.soak.rounds}; all steps, each at its first, a later and a late time, with {@code
 * -Dsluice.soak.crashes=all}.
 */
class CrashMatrixTest {
  private static final boolean IS_ALL = System.getProperty("sluice.soak.crashes", "").equals("all");
  private static final int ROUNDS = Integer.getInteger("sluice.soak.rounds", 20);
  private static final int ROUNDS_ENOUGH = 20;
  private static final List<Integer> TIMES = IS_ALL ? List.of(1, 3, 20) : List.of(1, 1, 2, 5);
  private static final Duration ROUND_LIMIT = Duration.ofSeconds(IS_ALL ? 12 : 4);

  /** Until a database at rest is held by less than before. */
  private static final Duration PAUSED_LIMIT = Duration.ofSeconds(25);

  /** Comes after an error of the disk only, which SpoolCrashTest makes. */
  private static final Set<String> NOT_HERE = Set.of("SpoolStep.LOG_TRUNCATED");

  private static final Duration END_LIMIT = Duration.ofSeconds(60);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  private final Set<String> reached = new TreeSet<>();
  private final Set<String> crashed = new TreeSet<>();
  private int starts;
  private int crashes;
  private int pauses;

  /** A step, and the how many-th time it is reached. */
  private record Crash(String step, int time) {

    Scene scene() {
      return switch (step) {
        case "CaptureStep.TRIMMED" -> Scene.PAUSED;
        case "CaptureStep.LET_GO", "CaptureStep.STOP_RECORDED" -> Scene.ENDED;
        case "UploadStep.SNAPSHOT_WRITTEN", "UploadStep.SNAPSHOT_STORED" -> Scene.OTHER_PAGE_SIZE;
        case "SpoolStep.RECORD_DELETED", "SpoolStep.EMPTIED", "SpoolStep.IMAGE_MARKED" ->
            Scene.WITHOUT_SPOOL;
        case "LevelStep.LEFTOVER_DELETED" -> Scene.WITH_LEFTOVER;
        default -> Scene.WRITING;
      };
    }
  }

  /** What a step needs to be reached. */
  private enum Scene {
    WRITING,
    PAUSED,
    ENDED,
    OTHER_PAGE_SIZE,
    WITHOUT_SPOOL,
    WITH_LEFTOVER
  }

  @Test
  void aDaemonThatIsGoneAtAnyStepIsFollowedByOneThatGoesOn(@Seeded("sluice.soak.seed") Seed seed)
      throws Exception {
    List<String> steps = Steps.names().stream().filter(step -> !NOT_HERE.contains(step)).toList();
    assertTrue(steps.contains("SpoolStep.CUT_RENAMED"), () -> "steps: " + steps);
    List<Crash> all = crashes(steps, seed.random());
    crash(seed.value(), all);
    System.out.println(
        "CrashMatrixTest: " + crashes + " of " + all.size() + " crashes, reached " + reached);
    assertTrue(crashes * 3 >= all.size(), "hardly any step was reached");
    Set<String> missing = new TreeSet<>(steps);
    missing.removeIf(step -> new Crash(step, 1).scene() != Scene.WRITING);
    missing.removeAll(reached);
    if (all.size() >= ROUNDS_ENOUGH) {
      assertEquals(Set.of(), missing, "steps that need no scene of their own were not reached");
    }
    if (IS_ALL) {
      assertEquals(new TreeSet<>(steps), crashed, "a step without a crash is not tested");
    }
  }

  private static List<Crash> crashes(List<String> steps, Random random) {
    List<Crash> all = new ArrayList<>();
    if (IS_ALL) {
      TIMES.forEach(time -> steps.forEach(step -> all.add(new Crash(step, time))));
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
    Child application = startApplication(settings);
    try (Storage storage = Storage.directory(folder.resolve("replica"));
        ReplicaClient client = storage.open();
        Verifier verifier =
            new Verifier(
                new Archive(client, folder.resolve("archive")), Journal.open(journal), folder)) {
      for (Crash crash : all) {
        prepare(crash.scene(), application, database, storage, verifier);
        round(database, storage, verifier, crash);
        verify(verifier, crash);
        application = goOn(crash.scene(), application, settings);
        assertTrue(application.isAlive(), application::output);
      }
      end(application, database, storage, verifier);
    } finally {
      application.close();
    }
  }

  private Child startApplication(Application.Settings settings) throws Exception {
    Path output = folder.resolve("application-" + starts++ + ".log");
    List<String> command = Child.java(Application.class, settings.arguments());
    Child application = Child.start(command, Map.of(), output);
    assertTrue(application.await("ready"::equals), application::output);
    return application;
  }

  private void prepare(
      Scene scene, Child application, Path database, Storage storage, Verifier verifier)
      throws Exception {
    switch (scene) {
      case WRITING -> {}
      case PAUSED -> pause(application);
      case ENDED -> end(application);
      case OTHER_PAGE_SIZE -> {
        end(application);
        changePageSize(database);
      }
      case WITHOUT_SPOOL -> delete(database.resolveSibling(".app.db-litestream"));
      case WITH_LEFTOVER ->
          round(database, storage, verifier, new Crash("LevelStep.OUTPUT_WRITTEN", 1));
    }
  }

  private Child goOn(Scene scene, Child application, Application.Settings settings)
      throws Exception {
    return switch (scene) {
      case PAUSED -> {
        application.say("go");
        yield application;
      }
      case ENDED, OTHER_PAGE_SIZE -> startApplication(settings);
      default -> application;
    };
  }

  private void pause(Child application) throws Exception {
    String paused = "paused " + ++pauses + " ";
    application.say("pause " + pauses);
    assertTrue(application.await(line -> line.startsWith(paused)), application::output);
  }

  private static void end(Child application) throws Exception {
    assertTrue(application.end(END_LIMIT), application::output);
    assertEquals(0, application.exitCode(), application::output);
  }

  private static void changePageSize(Path database) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database)) {
      Application.execute(connection, "PRAGMA busy_timeout=10000");
      int size = Integer.parseInt(Application.value(connection, "PRAGMA page_size").orElseThrow());
      Application.execute(connection, "PRAGMA journal_mode=DELETE");
      Application.execute(connection, "PRAGMA page_size=" + (size == 1024 ? 2048 : 1024));
      Application.execute(connection, "VACUUM");
      Application.execute(connection, "PRAGMA journal_mode=WAL");
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return; // nothing has begun yet
    }
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private void round(Path database, Storage storage, Verifier verifier, Crash crash)
      throws Exception {
    List<String> end = List.of(crash.step(), Integer.toString(crash.time()));
    Daemon daemon = Daemon.engine(database, storage, "delete", end);
    try (Child child = daemon.start(folder.resolve("daemon-" + starts++ + ".log"))) {
      boolean unused = child.await(SteppedProcess.STARTED::equals);
      Duration limit = crash.scene() == Scene.PAUSED ? PAUSED_LIMIT : ROUND_LIMIT;
      long endNanos = System.nanoTime() + limit.toNanos();
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
      if (child.exitCode() == SteppedProcess.GONE) {
        crashes++;
        crashed.add(crash.step());
      }
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
    pause(application);
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
