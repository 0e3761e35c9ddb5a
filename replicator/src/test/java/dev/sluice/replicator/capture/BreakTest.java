package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gaps in the capture: each is found, and repaired by no more than what was missed. */
final class BreakTest {
  private static final int PAGE_SIZE = 4096;

  @TempDir Path folder;

  private Primary primary;

  @BeforeEach
  void create() throws SQLException {
    primary = new Primary(folder);
    primary.create(PAGE_SIZE);
    primary.insert(300, 3000);
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  private Txid captured() throws IOException, SQLException {
    Txid txid = primary.cut();
    primary.requireCaptured();
    return txid;
  }

  /** Fails unless what was missed is one small file. */
  private void requireRepairedAfter(Txid before) throws IOException, SQLException {
    Txid after = primary.cut();
    assertEquals(before.next(), after);
    assertEquals(1, primary.capture().repairs());
    primary.requireCaptured();
    assertTrue(primary.pages(after) < 60, () -> "not a difference");
    primary.insert(5, 100);
    assertEquals(after.next(), primary.cut());
    primary.requireCaptured();
  }

  @Test
  void firstCutIsTheDatabase() throws SQLException, IOException {
    assertEquals(Txid.FIRST, captured());
    assertTrue(primary.spool().files().get(0).isImage());
    assertEquals(PAGE_SIZE, primary.spool().files().get(0).pageSize());
  }

  @Test
  void goesOnWithoutARepairWhereTheWalStillHasItsPlace() throws SQLException, IOException {
    Txid before = captured();
    primary.kill();
    primary.insert(3, 100);
    assertEquals(before.next(), primary.cut());
    assertEquals(0, primary.capture().repairs());
    primary.requireCaptured();
  }

  /**
   * The last captured frame stands at its old place, with its old salts and checksum, in a file
   * that was reset: but frames followed it that are gone.
   */
  @Test
  void frameThatStillStandsInAResetWalProvesNothing() throws SQLException, IOException {
    Txid before = captured();
    primary.kill();
    primary.insert(10, 3000);
    assertEquals(0, primary.checkpoint("RESTART"));
    primary.execute("UPDATE t SET value = 1 WHERE id = 1");
    requireRepairedAfter(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"RESTART", "TRUNCATE"})
  void whatWasCommittedAndCheckpointedWithoutUsIsCaptured(String mode)
      throws SQLException, IOException {
    Txid before = captured();
    primary.kill();
    for (int i = 0; i < 3; i++) {
      primary.insert(5, 3000);
      primary.execute("DELETE FROM t WHERE id = " + (10 + i));
      assertEquals(0, primary.checkpoint(mode));
    }
    requireRepairedAfter(before);
  }

  @Test
  void databaseThatWasClosedWithoutUsIsCompared() throws SQLException, IOException {
    Txid before = captured();
    primary.kill();
    primary.insert(5, 3000);
    primary.endApplication();
    assertFalse(Files.exists(primary.wal()));
    requireRepairedAfter(before);
  }

  @Test
  void databaseThatWasOnlyClosedGivesNoTxid() throws SQLException, IOException {
    Txid before = captured();
    primary.kill();
    primary.endApplication();
    assertEquals(before, primary.cut());
    assertEquals(1, primary.capture().repairs());
    primary.insert(5, 3000);
    assertEquals(before.next(), captured());
    primary.kill();
    primary.insert(1, 1);
    assertEquals(new Txid(3), captured());
    assertEquals(0, primary.capture().repairs());
  }

  /** What was in the log and in no cut is in the difference as well. */
  @Test
  void logBeforeTheBreakIsInTheDifference() throws SQLException, IOException {
    Txid before = captured();
    primary.insert(5, 3000);
    primary.capture().capture();
    primary.kill();
    primary.insert(5, 3000);
    primary.checkpoint("TRUNCATE");
    requireRepairedAfter(before);
  }

  @Test
  void databaseThatShrankWithoutUsIsCutOff() throws SQLException, IOException {
    captured();
    primary.kill();
    primary.execute("DELETE FROM t WHERE id > 20", "VACUUM");
    primary.checkpoint("TRUNCATE");
    captured();
    primary.kill();
    primary.insert(100, 3000);
    primary.checkpoint("TRUNCATE");
    captured();
  }

  /** As after a power cut with synchronous=NORMAL: the primary is behind what was shipped. */
  @Test
  void walThatWasCutBackIsTheNextTxid() throws SQLException, IOException {
    captured();
    long bytes = Files.size(primary.wal());
    byte[] image = primary.image();
    primary.insert(5, 3000);
    Txid before = captured();
    byte[] ahead = primary.image();
    hostCrash(wal -> truncate(wal, bytes));
    assertEquals(before.next(), primary.cut());
    assertArrayEquals(image, primary.image());
    primary.requireCaptured();
    assertArrayEquals(ahead, primary.restored(before));
    primary.insert(5, 10);
    captured();
  }

  @Test
  void walWhoseTailIsAnotherIsTheNextTxid() throws SQLException, IOException {
    captured();
    long bytes = Files.size(primary.wal());
    primary.insert(5, 3000);
    Txid before = captured();
    hostCrash(wal -> truncate(wal, bytes));
    for (int i = 0; i < 10; i++) {
      primary.insert(5, 3000);
    }
    assertEquals(before.next(), captured());
    assertEquals(1, primary.capture().repairs());
  }

  private static boolean truncate(Path wal, long bytes) {
    try (RandomAccessFile file = new RandomAccessFile(wal.toFile(), "rw")) {
      file.setLength(bytes);
      return true;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Ends all processes with the files as they are on disk. */
  private void hostCrash(Predicate<Path> change) throws SQLException, IOException {
    Path copy = Files.createDirectory(folder.resolve("after"));
    for (Path file : List.of(primary.database(), primary.wal())) {
      Files.copy(file, copy.resolve(String.valueOf(file.getFileName())));
    }
    primary.kill();
    primary.endApplication();
    for (Path file : List.of(primary.database(), primary.wal())) {
      // The same file, with the content that it had.
      Files.copy(
          copy.resolve(String.valueOf(file.getFileName())),
          file,
          StandardCopyOption.REPLACE_EXISTING);
    }
    boolean unused = change.test(primary.wal());
  }

  @Test
  void spoolFilesOfMixedAgesLoseNothing() throws SQLException, IOException {
    captured();
    for (String old : List.of("checksums", "position", "clean-stop")) {
      primary.insert(5, 3000);
      captured();
      primary.stop();
      Path file = primary.directory().resolve(old);
      byte[] aged = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
      primary.insert(5, 3000);
      captured();
      primary.insert(5, 3000);
      captured();
      primary.stop();
      Files.write(file, aged);
      primary.insert(1, 3000);
      primary.checkpoint("TRUNCATE");
      captured();
    }
  }

  @Test
  void lostChecksumsCostAnImage() throws SQLException, IOException {
    captured();
    primary.kill();
    Files.delete(primary.directory().resolve("checksums"));
    primary.insert(5, 3000);
    primary.checkpoint("TRUNCATE");
    Txid image = captured();
    SpooledFile last = primary.spool().files().get(1);
    assertEquals(image, last.txid());
    assertTrue(last.isImage());
    primary.kill();
    assertTrue(primary.spool().files().get(1).isImage());
    primary.insert(1, 1);
    captured();
    assertFalse(primary.spool().files().get(2).isImage());
  }

  /** A file that is damaged, or torn, claims nothing. */
  @Test
  void damagedChecksumsHeaderCostsAnImage() throws SQLException, IOException {
    captured();
    primary.kill();
    Path file = primary.directory().resolve("checksums");
    byte[] bytes = Files.readAllBytes(file);
    bytes[12] ^= 1;
    bytes[512 + 12] ^= 1;
    Files.write(file, bytes);
    primary.insert(5, 3000);
    primary.checkpoint("TRUNCATE");
    captured();
    assertTrue(primary.spool().files().get(1).isImage());
  }
}
