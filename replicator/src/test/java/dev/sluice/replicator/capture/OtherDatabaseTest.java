package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Databases that are not there, are none, or are others than they were. */
final class OtherDatabaseTest {
  @TempDir Path folder;

  private Primary primary;

  @BeforeEach
  void begin() {
    primary = new Primary(folder);
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  private void create() throws SQLException, IOException {
    primary.create(4096);
    primary.insert(100, 3000);
    captured();
  }

  private void captured() throws IOException, SQLException {
    primary.pass(1000);
    for (int i = 0; i < 3; i++) {
      primary.cut();
    }
    primary.requireCaptured();
  }

  private <T extends CaptureException> void requireRefused(Class<T> kind, String what) {
    T refusal = assertThrows(kind, () -> primary.capture().capture());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith(primary.database() + ": ") && message.contains(what), message);
    assertFalse(message.contains("\n"), message);
  }

  @Test
  void databaseThatIsNotThereIsWaitedForAndNotMade() throws SQLException, IOException {
    requireRefused(CaptureException.Missing.class, "no such file");
    assertFalse(Files.exists(primary.database()));
    Files.createFile(primary.database());
    requireRefused(CaptureException.Missing.class, "empty");
    assertEquals(0, Files.size(primary.database()));
    primary.create(1024);
    primary.insert(100, 3000);
    captured();
    assertEquals(1024, primary.spool().pageSize());
  }

  @Test
  void whatIsNoDatabaseIsNamedInOneLine() throws IOException {
    byte[] noise = new byte[8192];
    new Random(1).nextBytes(noise);
    Files.write(primary.database(), noise);
    requireRefused(CaptureException.NotADatabase.class, "encrypted");
    Files.delete(primary.database());
    Files.createDirectory(primary.database());
    requireRefused(CaptureException.NotADatabase.class, "no file");
    assertFalse(primary.capture().isHeld());
  }

  @Test
  void databaseWithARollbackJournalBecomesAWalDatabase() throws SQLException, IOException {
    primary.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, value)");
    primary.insert(10, 300);
    captured();
  }

  @Test
  void databaseThatIsLockedIsBusy() throws SQLException, IOException {
    primary.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, value)", "BEGIN EXCLUSIVE");
    requireRefused(CaptureException.Busy.class, "locked");
    primary.execute("COMMIT");
    captured();
  }

  @Test
  void journalModeThatWasSwitchedAwayAndBackIsCompared() throws SQLException, IOException {
    create();
    SQLException refusal =
        assertThrows(SQLException.class, () -> primary.execute("PRAGMA journal_mode=DELETE"));
    assertTrue(String.valueOf(refusal.getMessage()).contains("locked"));
    primary.kill();
    primary.execute("PRAGMA journal_mode=DELETE");
    primary.insert(2, 100);
    captured();
    primary.kill();
    primary.execute("PRAGMA journal_mode=DELETE");
    primary.insert(2, 100);
    primary.execute("PRAGMA journal_mode=WAL");
    primary.insert(2, 100);
    captured();
    assertEquals(1, primary.capture().repairs());
  }

  /** A database with other rows, closed. */
  private Path other(int pageSize) throws SQLException, IOException {
    Path elsewhere = Files.createDirectories(folder.resolve("other"));
    try (Primary made = new Primary(elsewhere)) {
      made.create(pageSize);
      made.insert(50, 2000);
      made.endApplication();
      return made.database();
    }
  }

  @Test
  void databaseThatIsReplacedWhileItIsCapturedIsTheNextTxid() throws SQLException, IOException {
    create();
    Path other = other(4096);
    primary.endApplication();
    for (String side : List.of("-wal", "-shm")) {
      Files.deleteIfExists(Path.of(primary.database() + side));
    }
    Files.move(other, primary.database(), StandardCopyOption.REPLACE_EXISTING);
    primary.insert(3, 10);
    captured();
    assertEquals(2, primary.capture().repairs());
    primary.insert(3, 10);
    captured();
  }

  /** Ours is the last connection to the old one: what it deletes must not be the new one's WAL. */
  @Test
  void walOfTheNewDatabaseIsLeftAlone() throws SQLException, IOException {
    create();
    primary.endApplication();
    Files.move(other(4096), primary.database(), StandardCopyOption.REPLACE_EXISTING);
    Files.deleteIfExists(primary.wal());
    primary.insert(3, 10);
    primary.pass(1000);
    primary.capture().capture();
    assertTrue(Files.exists(primary.wal()));
    primary.insert(3, 10);
    captured();
  }

  @Test
  void databaseThatIsDroppedAndMadeAnewIsTheNextTxid() throws SQLException, IOException {
    create();
    primary.endApplication();
    for (String side : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(Path.of(primary.database() + side));
    }
    primary.pass(1000);
    primary.capture().capture();
    requireRefused(CaptureException.Missing.class, "no such file");
    primary.create(4096);
    primary.insert(10, 300);
    captured();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void databaseThatIsReplacedWhileStoppedIsCompared(boolean isClean)
      throws SQLException, IOException {
    create();
    primary.endApplication();
    if (isClean) {
      primary.stop();
    } else {
      primary.kill();
    }
    Files.move(other(4096), primary.database(), StandardCopyOption.REPLACE_EXISTING);
    captured();
  }

  /** The WAL still has the place where the spool ends, and yet the database is another one. */
  @Test
  void databaseOfAnotherInodeUnderTheSameWalIsCompared() throws SQLException, IOException {
    create();
    primary.checkpoint("PASSIVE");
    primary.kill();
    byte[] wal = Files.readAllBytes(primary.wal());
    primary.insert(5, 300);
    primary.endApplication();
    Path copy = folder.resolve("copy");
    Files.copy(primary.database(), copy);
    Files.move(copy, primary.database(), StandardCopyOption.REPLACE_EXISTING);
    Files.write(primary.wal(), wal);
    captured();
    assertEquals(1, primary.capture().repairs());
  }

  @Test
  void contentThatIsReplacedUnderAnIdleReaderIsCompared() throws SQLException, IOException {
    create();
    primary.endApplication();
    primary.pass(1000);
    for (int i = 0; i < 10_000 && primary.capture().pause().toMillis() != 250; i++) {
      primary.capture().capture();
    }
    byte[] content = Files.readAllBytes(other(4096));
    Files.write(primary.database(), content);
    primary.capture().capture();
    assertFalse(primary.capture().isHeld());
    primary.cut();
    assertEquals(2, primary.capture().repairs());
    primary.insert(1, 1);
    captured();
  }

  @Test
  void pageSizeThatVacuumChangedIsAnImage() throws SQLException, IOException {
    create();
    primary.kill();
    primary.execute(
        "PRAGMA journal_mode=DELETE", "PRAGMA page_size=1024", "VACUUM", "PRAGMA journal_mode=WAL");
    primary.insert(5, 500);
    captured();
    List<SpooledFile> files = primary.spool().files();
    assertEquals(List.of(4096, 1024), files.stream().map(SpooledFile::pageSize).toList());
    assertTrue(files.get(1).isImage());
    primary.insert(5, 500);
    captured();
    assertFalse(primary.spool().files().get(2).isImage());
    primary.kill();
    primary.checkpoint("TRUNCATE");
    primary.insert(1, 500);
    primary.checkpoint("TRUNCATE");
    captured();
    assertEquals(new Txid(4), primary.spool().lastCut().txid());
    assertTrue(primary.pages(new Txid(4)) < 20);
  }

  @Test
  void databaseOfAnotherPageSizeInItsPlaceIsAnImage() throws SQLException, IOException {
    create();
    primary.endApplication();
    Path other = other(512);
    for (String side : List.of("-wal", "-shm")) {
      Files.deleteIfExists(Path.of(primary.database() + side));
    }
    Files.move(other, primary.database(), StandardCopyOption.REPLACE_EXISTING);
    primary.insert(1, 10);
    captured();
    SpooledFile last = primary.spool().files().get(1);
    assertTrue(last.isImage());
    assertEquals(512, last.pageSize());
  }
}
