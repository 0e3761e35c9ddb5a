package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Spools with too little room. */
final class SpoolLimitTest {
  @TempDir Path folder;

  private Primary primary;

  @BeforeEach
  void create() throws SQLException {
    primary = new Primary(folder);
    primary.create(4096);
    primary.insert(50, 3000);
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  @Test
  void captureEndsAtTheLimitAndGoesOnWithTheDifference() throws SQLException, IOException {
    primary.set(primary.settings().withSpoolBytesMax(1_000_000));
    assertEquals(Txid.FIRST, primary.cut());
    CaptureException.SpoolFull refusal = fill();
    assertTrue(String.valueOf(refusal.getMessage()).contains("1000000 may"), refusal::getMessage);
    assertTrue(primary.spool().bytes() <= 1_000_000);
    assertFalse(primary.capture().isHeld());
    assertEquals(0, primary.checkpoint("TRUNCATE"), "somebody still holds the WAL");
    primary.insert(3, 3000);
    assertThrows(CaptureException.SpoolFull.class, () -> primary.capture().capture());
    Txid last = upload();
    byte[] before = primary.restored(last);
    assertEquals(last.next(), primary.cut());
    assertTrue(before.length > 0);
    primary.requireCaptured();
    primary.insert(3, 3000);
    primary.cut();
    primary.requireCaptured();
  }

  /** An application may leave all checkpoints to us, as its WAL grows without an end else. */
  @Test
  void walIsCheckpointedThoughThereIsNoRoom() throws SQLException, IOException {
    primary.set(primary.settings().withSpoolBytesMax(1_000_000));
    primary.cut();
    primary.execute("PRAGMA wal_autocheckpoint=0");
    CaptureException.SpoolFull unused = fill();
    long wal = Files.size(primary.wal());
    for (int i = 0; i < 20; i++) {
      primary.pass(6_000);
      assertThrows(CaptureException.SpoolFull.class, () -> primary.capture().capture());
      primary.insert(10, 3000);
    }
    assertTrue(Files.size(primary.wal()) < wal + 200_000, "the WAL has grown");
  }

  /** Commits until there is no room, with what was captured cut. */
  private CaptureException.SpoolFull fill() throws SQLException, IOException {
    while (true) {
      primary.insert(10, 3000);
      try {
        primary.cut();
      } catch (CaptureException.SpoolFull e) {
        return e;
      }
    }
  }

  /** Has all files be safe elsewhere, where {@link Primary#restored} finds them. */
  private Txid upload() throws IOException {
    for (SpooledFile file : primary.spool().files()) {
      primary.keep(file);
      primary.spool().delete(file.txid());
    }
    return primary.spool().lastCut().txid();
  }

  /** What the application commits at once may be more than the limit. */
  @Test
  void emptySpoolTakesWhatItMust() throws SQLException, IOException {
    primary.set(primary.settings().withSpoolBytesMax(1));
    primary.cut();
    upload();
    primary.insert(100, 3000);
    primary.cut();
    primary.requireCaptured();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void fullDiskUnderTheLogEndsTheCaptureUntilThereIsRoom() throws SQLException, IOException {
    primary.cut();
    Path log = primary.directory().resolve("log-0000000000000001");
    Files.createSymbolicLink(log, Path.of("/dev/full"));
    primary.insert(10, 3000);
    requireUnwritable();
    assertEquals(0, primary.checkpoint("TRUNCATE"), "somebody still holds the WAL");
    Files.delete(log);
    primary.cut();
    primary.requireCaptured();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void fullDiskUnderADifferenceIsTriedAgain() throws SQLException, IOException {
    primary.cut();
    primary.kill();
    primary.insert(10, 3000);
    primary.checkpoint("TRUNCATE");
    assertEquals(1, primary.spool().files().size()); // opening deletes what was being cut
    Path cut = primary.directory().resolve("ltx/0/0000000000000002-0000000000000002.ltx.tmp");
    Files.createDirectory(cut);
    requireUnwritable();
    requireUnwritable();
    Files.delete(cut);
    assertEquals(new Txid(2), primary.cut());
    primary.requireCaptured();
  }

  private void requireUnwritable() {
    CaptureException.SpoolUnwritable refusal =
        assertThrows(CaptureException.SpoolUnwritable.class, () -> primary.capture().capture());
    assertTrue(
        String.valueOf(refusal.getMessage()).contains(primary.directory().toString()),
        refusal::getMessage);
  }

  @Test
  void spoolIsOneProcessesOnly() throws IOException {
    primary.cut();
    SpoolSetup setup = SpoolSetup.of(() -> Instant.EPOCH);
    SpoolException.InUse refusal =
        assertThrows(SpoolException.InUse.class, () -> Spool.open(primary.directory(), setup));
    assertTrue(String.valueOf(refusal.getMessage()).contains("only one may"), refusal::getMessage);
    assertThrows(
        SpoolException.InUse.class, () -> Spool.begin(primary.directory(), Txid.NONE, 0, setup));
    assertEquals(1, primary.spool().files().size());
  }
}
