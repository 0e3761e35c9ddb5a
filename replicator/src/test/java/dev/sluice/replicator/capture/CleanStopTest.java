package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.CutRecord;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stop leaves behind, and what a start makes of it. */
final class CleanStopTest {
  @TempDir Path folder;

  private Primary primary;

  @BeforeEach
  void create() throws SQLException {
    primary = new Primary(folder);
    primary.create(4096);
    primary.insert(100, 3000);
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  private void stopWithoutAnApplication() throws SQLException, IOException {
    primary.cut();
    primary.endApplication();
    primary.stop();
    assertFalse(Files.exists(primary.wal()));
  }

  private boolean hasRecord() {
    return Files.exists(primary.directory().resolve("clean-stop"));
  }

  @Test
  void restartBesideAnIdleDatabaseReadsNothingAndGivesNothing() throws Exception {
    stopWithoutAnApplication();
    assertTrue(hasRecord());
    assertEquals(Txid.FIRST, primary.cut());
    assertEquals(0, primary.capture().repairs());
    primary.insert(5, 3000);
    assertEquals(new Txid(2), primary.cut());
    assertEquals(0, primary.capture().repairs());
    primary.requireCaptured();
  }

  /** Else the image that it was begun anew for would never be made. */
  @Test
  void stopOfASpoolThatIsBegunAnewSaysNothing() throws Exception {
    primary.endApplication();
    assertEquals(Txid.FIRST, primary.cut());
    CutRecord last = primary.spool().lastCut();
    primary.stop();
    assertTrue(hasRecord());
    SpoolSetup setup = SpoolSetup.of(() -> Instant.ofEpochMilli(1));
    Spool.begin(primary.directory(), last.txid(), last.timestampMillis(), setup).close();
    assertEquals(new Txid(2), primary.cut());
    assertTrue(primary.spool().files().get(0).isImage());
  }

  /** Through several idle restarts the record stays true. */
  @Test
  void recordServesEachStartUntilSomethingIsCaptured() throws Exception {
    stopWithoutAnApplication();
    for (int i = 0; i < 3; i++) {
      primary.cut();
      assertEquals(0, primary.capture().repairs());
      if (i % 2 == 0) {
        primary.stop();
      } else {
        primary.kill();
      }
    }
    primary.insert(1, 1);
    primary.endApplication();
    assertEquals(new Txid(2), primary.cut());
    assertEquals(1, primary.capture().repairs());
    primary.requireCaptured();
  }

  @Test
  void databaseThatWasWrittenToMeanwhileIsCompared() throws Exception {
    stopWithoutAnApplication();
    primary.execute("UPDATE t SET value = 7 WHERE id = 7");
    primary.endApplication();
    assertEquals(new Txid(2), primary.cut());
    assertEquals(1, primary.capture().repairs());
    primary.requireCaptured();
  }

  /** Size and times of the database are the same: only that it has a WAL says that it was used. */
  @Test
  void databaseWithAWalIsCompared() throws Exception {
    stopWithoutAnApplication();
    primary.execute("UPDATE t SET value = 7 WHERE id = 7");
    assertEquals(new Txid(2), primary.cut());
    primary.requireCaptured();
  }

  @Test
  void fileOfAnotherInodeIsCompared() throws Exception {
    stopWithoutAnApplication();
    FileTime time = Files.getLastModifiedTime(primary.database());
    Path other = folder.resolve("other");
    Files.copy(primary.database(), other);
    try (RandomAccessFile file = new RandomAccessFile(other.toFile(), "rw")) {
      file.seek(file.length() - 1);
      file.write(file.read() + 1);
    }
    Files.setLastModifiedTime(other, time);
    Files.move(other, primary.database(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    primary.cut();
    assertEquals(1, primary.capture().repairs());
    primary.requireCaptured();
  }

  @Test
  void stopBesideAnApplicationLeavesNoRecord() throws Exception {
    primary.cut();
    primary.stop();
    assertFalse(hasRecord());
    primary.insert(1, 1);
    assertEquals(new Txid(2), primary.cut());
    primary.requireCaptured();
  }

  /** A write within the tick of the file system's clock would leave the times as they were. */
  @Test
  void recordIsNotMadeOfYoungTimes() throws Exception {
    InstantSource early = InstantSource.fixed(Instant.now().minus(Duration.ofDays(1)));
    primary.set(primary.settings().withTime(early, System::nanoTime));
    stopWithoutAnApplication();
    assertFalse(hasRecord());
    assertEquals(Txid.FIRST, primary.cut());
    assertEquals(1, primary.capture().repairs());
  }

  /** Somebody commits and closes when our last look is over: our close checkpoints that. */
  @Test
  void commitBetweenTheLastLookAndTheEndIsFound() throws Exception {
    primary.cut();
    primary.endApplication();
    boolean[] isDone = {false};
    primary.kill();
    primary.set(
        primary
            .settings()
            .withSteps(
                step -> {
                  if (step == CaptureStep.LET_GO && !isDone[0]) {
                    isDone[0] = true;
                    commitAndClose();
                  }
                }));
    primary.cut();
    primary.stop();
    assertTrue(isDone[0]);
    primary.cut();
    primary.requireCaptured();
  }

  private void commitAndClose() {
    try {
      primary.execute("UPDATE t SET value = 9 WHERE id = 9");
      primary.endApplication();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void tornRecordIsNone() {
    FileStat file = new FileStat(1, 2, 3, 4, 5);
    byte[] bytes = new CleanStop("boot", file, "end").toBytes();
    assertEquals(Optional.of(file), CleanStop.parse(bytes).map(CleanStop::file));
    for (int length = 0; length < bytes.length; length++) {
      assertEquals(Optional.empty(), CleanStop.parse(Arrays.copyOf(bytes, length)));
    }
    for (int at = 0; at < bytes.length; at++) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 4;
      assertEquals(Optional.empty(), CleanStop.parse(damaged), "byte " + at);
    }
  }
}
