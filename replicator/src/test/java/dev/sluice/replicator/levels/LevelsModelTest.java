package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weeks of random commits, deaths and failures, judged by {@link LevelsWorld}'s model. */
class LevelsModelTest {
  private static final int DAYS = Integer.getInteger("sluice.model.days", 10);

  @TempDir Path folder;

  @Test
  void weeksOfCommitsDeathsAndFailuresLoseNothing(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    LevelsWorld world = LevelsWorld.withImage(seed.value(), folder, LevelSettings.STANDARD);
    world.failPercent = 5;
    world.killPercent = 1;
    Instant end = world.now().plus(Duration.ofDays(DAYS));
    while (world.now().isBefore(end)) {
      busyOrIdle(world);
      if (world.random.nextInt(20) == 0) {
        world.restart();
      }
      if (world.random.nextInt(6) == 0) {
        world.failPercent = world.random.nextInt(3) * 30;
      }
      if (world.random.nextInt(10) == 0) {
        world.ahead = Duration.ofHours(world.random.nextInt(2_000) - 1_000);
      }
      world.requireExactSample(2);
    }
    world.ahead = Duration.ZERO;
    world.failPercent = 0;
    world.killPercent = 0;
    world.runFor(Duration.ofDays(4));
    world.requireExactEverywhere();
    requireIdle(world);
    System.out.println(
        "LevelsModelTest: TXIDs="
            + world.primary.history().txid().value()
            + " deleted="
            + world.deletedFiles
            + " "
            + world.levels.figures());
  }

  private static void busyOrIdle(LevelsWorld world) throws IOException {
    switch (world.random.nextInt(4)) {
      case 0 -> commits(world, 40, 3_000);
      case 1 -> commits(world, 15, 60_000);
      case 2 -> commits(world, 4, 3_600_000);
      default -> world.runFor(Duration.ofMinutes(world.random.nextInt(900)));
    }
  }

  private static void commits(LevelsWorld world, int count, int gapMillis) throws IOException {
    for (int i = 0; i < count; i++) {
      world.commit();
      world.runFor(Duration.ofMillis(1 + world.random.nextInt(gapMillis)));
    }
  }

  /** Nothing is due, nothing is asked, and only what is of use is left. */
  private static void requireIdle(LevelsWorld world) throws IOException {
    assertEquals(Levels.NEVER, world.levels.nextDue());
    int requests = world.client.requests.size();
    world.runFor(Duration.ofDays(400));
    assertEquals(requests, world.client.requests.size(), "no request while nothing comes");
    assertEquals(1, world.replica.files(0).size(), () -> "L0 " + world.ranges(0));
    assertEquals(1, world.replica.files(9).size(), () -> "L9 " + world.ranges(9));
    for (int level : List.of(1, 2, 3)) {
      assertTrue(world.replica.files(level).size() <= 1, "level " + level + world.ranges(level));
    }
    assertTrue(world.leftovers().isEmpty(), world.leftovers().toString());
  }
}
