package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class LevelTaskTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_000_000);
  private static final long GIBIBYTE = 1L << 30;

  private final LevelTask task = new LevelTask();

  private Duration pauseAfterFailure(long fetchedBytes) {
    task.dueAt(NOW);
    task.failed(NOW, fetchedBytes);
    return Duration.between(NOW, task.next());
  }

  @Test
  void pauseDoublesUpToMinutes() {
    assertEquals(Duration.ofSeconds(1), pauseAfterFailure(0));
    assertEquals(Duration.ofSeconds(2), pauseAfterFailure(0));
    for (int i = 0; i < 10; i++) {
      pauseAfterFailure(0);
    }
    assertEquals(Duration.ofSeconds(256), pauseAfterFailure(0));
    task.done(NOW.minusSeconds(1));
    assertEquals(Duration.ofSeconds(1), pauseAfterFailure(0));
  }

  @Test
  void pauseGrowsToHoursWhereALargeReplicaWasFetchedInVain() {
    assertEquals(Duration.ofMillis(51_200), pauseAfterFailure(GIBIBYTE));
    assertEquals(Duration.ofMillis(102_400), pauseAfterFailure(GIBIBYTE));
    for (int i = 0; i < 10; i++) {
      pauseAfterFailure(100 * GIBIBYTE);
    }
    assertEquals(Duration.ofSeconds(81_920), pauseAfterFailure(100 * GIBIBYTE));
  }

  @Test
  void whatIsDueAtOnceAfterAllWasDoneWaitsForASecond() {
    task.dueAt(NOW);
    task.done(NOW);
    assertEquals(NOW.plusSeconds(1), task.next());
    task.dueAtOnce();
    assertEquals(Instant.EPOCH, task.next());
  }
}
