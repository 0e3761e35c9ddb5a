package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.history.TestPrimary;
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
  void snapshotThatWasStoredWithoutAnAnswerIsAsOldAsItIs() throws IOException {
    world.commits(30, Duration.ofMinutes(30));
    Set<Txid> before = world.states.reachable();
    world.failAfter.addAll(List.of("create L9", "tail L9"));
    world.levels.snapshotNow();
    world.run();
    world.failAfter.clear();
    world.ahead = Duration.ofDays(30);
    world.runFor(Duration.ofMinutes(3));
    assertEquals(before, world.states.reachable());
    world.runFor(Duration.ofDays(3));
    world.requireExactEverywhere();
  }

  @Test
  void clockThatIsSetInTheMidstOfTheUpkeepDeletesNothing() throws IOException {
    for (Duration set : List.of(Duration.ofDays(30), Duration.ofDays(-30))) {
      world.commits(30, Duration.ofMinutes(30));
      Set<Txid> before = world.states.reachable();
      world.atOutputWritten =
          () -> {
            world.ahead = world.ahead.plus(set);
            world.levels.nextDue();
          };
      world.commits(2, Duration.ofMinutes(2));
      assertTrue(world.states.reachable().containsAll(before), "set by " + set);
    }
    world.runFor(Duration.ofDays(3));
    world.requireExactEverywhere();
  }

  @Test
  void clockThatIsSetInTheMidstOfAFailureDoesNotPutOffTheNextAttempt() throws IOException {
    world.failBefore.add("create L1");
    world.atOutputWritten = () -> world.ahead = Duration.ofDays(10_000);
    world.commits(1, Duration.ofMinutes(2));
    assertEquals(List.of(), world.ranges(1));
    world.failBefore.clear();
    world.runFor(Duration.ofMinutes(5));
    assertEquals(List.of("2-2"), world.ranges(1));
  }

  @Test
  void hostThatSleptLooksBeforeItUploads() throws IOException {
    world.commits(3, Duration.ofSeconds(1));
    world.levels.beforeUpload(new Txid(5));
    assertEquals(10, world.client.count("list"));
    world.ahead = Duration.ofHours(2);
    LtxFile theirs = world.primary.commit(8, TestPrimary.all(8));
    LtxFile more = world.primary.commit(8, TestPrimary.all(8));
    world.replica.delete(List.of(theirs.name()));
    SecondWriterException e =
        assertThrows(
            SecondWriterException.class,
            () -> world.levels.beforeUpload(theirs.name().range().min()));
    assertTrue(String.valueOf(e.getMessage()).contains("it has TXID " + more.name().range().max()));
    assertEquals(20, world.client.count("list"));
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
