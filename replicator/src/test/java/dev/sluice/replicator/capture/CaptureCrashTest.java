package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Ends our process at every step that the code names, with an application that goes on, and begins
 * anew: every cut that comes after is the database.
 */
final class CaptureCrashTest {
  private static final int ROUNDS = Integer.getInteger("sluice.crash.rounds", 3);

  @TempDir Path folder;

  /** The process is gone. */
  private static final class Crash extends Error {
    private static final long serialVersionUID = 1L;
  }

  /** Counts steps, and crashes at one of them. */
  private static final class Steps implements CaptureStep.Listener {
    private final Map<CaptureStep, Integer> taken = new EnumMap<>(CaptureStep.class);
    private Optional<CaptureStep> fatal = Optional.empty();
    private int occurrence;

    @Override
    public void reached(CaptureStep step) {
      int times = taken.merge(step, 1, Integer::sum);
      if (fatal.equals(Optional.of(step)) && times == occurrence) {
        throw new Crash();
      }
    }
  }

  private Primary primary(Path directory, Steps steps) throws SQLException {
    Primary primary = new Primary(directory);
    primary.set(primary.settings().withCheckpointPages(50).withSteps(steps));
    primary.create(1024);
    return primary;
  }

  private static void settle(Primary primary) throws IOException {
    primary.pass(1000);
    for (int i = 0; i < 100_000 && primary.capture().pause().toMillis() != 250; i++) {
      primary.capture().capture();
    }
    primary.pass(20_000);
    primary.capture().capture();
  }

  /** Comes by every step. */
  private static void live(Primary primary) throws SQLException, IOException {
    primary.cut();
    for (int i = 0; i < 5; i++) {
      primary.insert(20, 900);
      primary.capture().capture();
    }
    primary.cut();
    settle(primary);
    primary.insert(5, 900);
    primary.endApplication();
    primary.cut();
    settle(primary);
    primary.stop();
    primary.cut();
  }

  @Test
  void everyStepIsTried() throws SQLException, IOException {
    Steps steps = new Steps();
    try (Primary primary = primary(folder, steps)) {
      live(primary);
    }
    assertEquals(EnumSet.allOf(CaptureStep.class), steps.taken.keySet());
  }

  @ParameterizedTest
  @EnumSource(CaptureStep.class)
  void crashAtAnyStepMissesNothing(CaptureStep step, @Seeded("sluice.seed") Seed seed)
      throws SQLException, IOException {
    Random random = seed.random();
    for (int round = 1; round <= ROUNDS; round++) {
      Steps steps = new Steps();
      Path directory = Files.createDirectory(folder.resolve("round-" + round));
      try (Primary primary = primary(directory, steps)) {
        steps.fatal = Optional.of(step);
        steps.occurrence = round;
        boolean isGone = false;
        try {
          live(primary);
        } catch (Crash e) {
          isGone = true;
        }
        assertTrue(isGone || round > 1, "no crash at " + step);
        primary.kill();
        steps.fatal = Optional.empty();
        for (int i = 0; i < 4; i++) {
          goOn(primary, random);
          primary.cut();
          primary.requireCaptured();
        }
      }
    }
  }

  /** What an application may do while nobody looks. */
  private static void goOn(Primary primary, Random random) throws SQLException, IOException {
    int statements = random.nextInt(4);
    for (int i = 0; i < statements; i++) {
      switch (random.nextInt(6)) {
        case 0 -> primary.checkpoint("PASSIVE");
        case 1 -> primary.checkpoint("TRUNCATE");
        case 2 -> primary.endApplication();
        case 3 -> primary.execute("UPDATE t SET value = 1 WHERE id % 7 = 3");
        default -> primary.insert(1 + random.nextInt(30), 500);
      }
    }
    if (random.nextBoolean()) {
      primary.kill();
      primary.insert(1, 1);
    }
  }
}
