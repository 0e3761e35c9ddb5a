package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Readers of ours come and go such that nobody waits for one in vain. */
final class HandOverTest {
  private static final String FOR_NOBODY = "waits for []";

  @TempDir Path folder;

  private Primary primary;
  private final List<CaptureStep> steps = new ArrayList<>();

  @BeforeEach
  void create() throws SQLException {
    primary = new Primary(folder);
    primary.set(primary.settings().withSteps(steps::add));
    primary.create(4096);
    primary.insert(20, 3000);
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  /** It has read the marks when we move one, and keeps writers out until it had all of them. */
  @Test
  void checkpointThatHasJustReadTheMarksIsLetThrough() throws SQLException, IOException {
    primary.cut();
    try (ProbeProcess probe = new ProbeProcess(CheckpointProbe.class)) {
      for (int i = 0; i < 6; i++) {
        primary.insert(1, 10);
        probe.ask("begin " + primary.database() + "-shm");
        assertTrue(primary.capture().capture() > 0);
        probe.ask("try");
        primary.pass(3);
        assertEquals(0, primary.capture().capture());
        assertEquals(FOR_NOBODY, probe.ask("try"), "round " + i);
        probe.ask("end");
      }
    }
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs(), "but for the first image");
  }

  @Test
  void readerIsNeverBehindForLongThoughCommitsGoOn() throws SQLException, IOException {
    primary.cut();
    primary.pass(40);
    primary.capture().capture();
    steps.clear();
    for (int i = 0; i < 100; i++) {
      primary.insert(1, 10);
      assertTrue(primary.capture().capture() > 0);
      primary.pass(8);
    }
    long times = steps.stream().filter(CaptureStep.HANDED_OVER::equals).count();
    assertTrue(times >= 800 / 50, () -> "in 800 ms handed over " + times + " times");
  }

  /** What is committed beside the first reader's begin is taken, and the reader does not stay. */
  @Test
  void firstReaderHindersNobodyThoughNothingIsCommittedAfterIt() throws SQLException, IOException {
    primary.cut();
    primary.kill();
    primary.insert(1, 10);
    primary.set(
        primary
            .settings()
            .withSteps(
                step -> {
                  if (step == CaptureStep.READER_BEGUN) {
                    insert();
                  }
                }));
    primary.cut();
    primary.pass(50);
    primary.capture().capture();
    primary.pass(50);
    primary.capture().capture();
    assertEquals(0, primary.checkpoint("PASSIVE"));
    primary.capture().capture();
    assertEquals(0, primary.checkpoint("TRUNCATE"));
    primary.cut();
    primary.requireCaptured();
  }

  @Test
  void restAndStopDoNotWaitForTheMarkToSettle() throws SQLException, IOException {
    primary.cut();
    primary.insert(1, 10);
    assertTrue(primary.capture().capture() > 0);
    primary.capture().rest();
    assertEquals(0, primary.checkpoint("TRUNCATE"));
    primary.insert(1, 10);
    primary.endApplication();
    primary.stop();
    assertTrue(CleanStop.read(primary.directory()).isPresent(), "all was in the database");
    primary.cut();
    primary.requireCaptured();
    assertEquals(0, primary.capture().repairs());
  }

  private void insert() {
    try {
      primary.insert(1, 10);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
