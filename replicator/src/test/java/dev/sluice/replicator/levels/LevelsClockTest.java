package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A wall clock that is set while a replica is looked after. */
class LevelsClockTest {
  @TempDir Path folder;

  private LevelsWorld world;

  @BeforeEach
  void beginWithAnImageAtMidnight() throws IOException {
    world = LevelsWorld.withImage(1, folder, LevelSettings.STANDARD);
  }

  @Test
  void clockThatIsSetForwardDeletesNothing() throws IOException {
    world.commits(40, Duration.ofMinutes(30));
    Set<Txid> before = world.states.reachable();
    world.ahead = Duration.ofDays(30);
    world.runFor(Duration.ofMinutes(3));
    assertEquals(before, world.states.reachable());
    world.ahead = Duration.ZERO;
    world.runFor(Duration.ofMinutes(3));
    assertEquals(before, world.states.reachable());
    world.runFor(Duration.ofDays(3));
    assertEquals(1, world.states.reachable().size(), "what is as old as that goes all the same");
  }

  @Test
  void clockThatIsSetBackKeepsNothingFromBeingDone() throws IOException {
    world.ahead = Duration.ofDays(365);
    world.commits(3, Duration.ofSeconds(1));
    world.ahead = Duration.ZERO;
    world.commits(3, Duration.ofSeconds(1));
    world.runFor(Duration.ofMinutes(6));
    assertEquals(List.of("2-7"), world.ranges(2));
    world.runFor(Duration.ofMinutes(60));
    assertEquals(List.of("7-7"), world.ranges(0));
    world.levels.beforeUpload(new Txid(8));
    assertEquals(20, world.client.count("list"), "nothing was stored for an hour");
    world.runFor(Duration.ofDays(3));
    world.requireExactEverywhere();
  }
}
