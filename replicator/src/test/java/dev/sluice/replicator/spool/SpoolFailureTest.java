package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.FrameRun;
import dev.sluice.replicator.wal.LiveDatabase;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Files that are not what they should be, and disks that do not do what they are told. */
final class SpoolFailureTest {
  private static final SpoolSetup SETUP = SpoolSetup.of(() -> Instant.EPOCH);

  @TempDir Path folder;

  private Path directory() {
    return folder.resolve("spool");
  }

  private Captured captured() throws SQLException, IOException {
    return new Captured(LiveDatabase.create(folder.resolve("db"), 1024), directory(), SETUP);
  }

  @Test
  void directoryWithoutARecordIsNoSpool() throws IOException {
    assertThrows(SpoolException.NoRecord.class, () -> Spool.open(directory(), SETUP));
    Spool.begin(directory(), Txid.NONE, 0, SETUP).close();
    Files.delete(directory().resolve("position"));
    SpoolException.NoRecord refusal =
        assertThrows(SpoolException.NoRecord.class, () -> Spool.open(directory(), SETUP));
    assertEquals("open spool " + directory() + ": it has no position record", refusal.getMessage());
  }

  @Test
  void damagedRecordIsNamedInOneLine() throws IOException {
    Spool.begin(directory(), Txid.NONE, 0, SETUP).close();
    Path record = directory().resolve("position");
    byte[] bytes = Files.readAllBytes(record);
    for (int at = 0; at < bytes.length; at++) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 1;
      Files.write(record, damaged);
      SpoolException.Damaged refusal =
          assertThrows(SpoolException.Damaged.class, () -> Spool.open(directory(), SETUP));
      assertEquals(
          record + " offset=0: neither slot holds a position record", refusal.getMessage());
    }
    Files.write(record, new byte[0]);
    assertThrows(SpoolException.Damaged.class, () -> Spool.open(directory(), SETUP));
  }

  @Test
  void fileBeyondTheRecordIsNoCut() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      captured.cut();
      Path beyond = captured.spool().path(new Txid(2));
      Files.copy(captured.spool().path(Txid.FIRST), beyond);
      Files.createFile(directory().resolve("ltx/0/0000000000000002-0000000000000002.ltx.tmp"));
      Path stranger = Files.createFile(directory().resolve("ltx/0/notes.txt"));
      assertEquals(1, captured.spool().files().size());
      captured.reopen();
      assertTrue(Files.notExists(beyond));
      assertTrue(Files.exists(stranger));
      captured.requireRestored();
    }
  }

  /** It waits for nothing any more, and must not keep the database from being captured. */
  @Test
  void fileThatCannotBeDeletedIsNotCountedAndFoundLater() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      captured.cut();
      Path inTheWay =
          Files.createDirectories(directory().resolve("kept-0000000000000001/something"));
      assertThrows(IOException.class, () -> captured.spool().delete(Txid.FIRST));
      assertEquals(0, captured.spool().bytes());
      assertEquals(0, captured.spool().files().size());
      Files.delete(inTheWay);
      Files.delete(directory().resolve("kept-0000000000000001"));
      captured.reopen();
      assertEquals(1, captured.spool().files().size());
    }
  }

  @Test
  void failedCutMayBeTriedAgain() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      Path inTheWay =
          Files.createDirectory(
              directory().resolve("ltx/0/0000000000000001-0000000000000001.ltx.tmp"));
      Cut cut = captured.spool().seal().orElseThrow();
      IOException failure = assertThrows(IOException.class, cut::write);
      assertTrue(
          String.valueOf(failure.getMessage()).startsWith("cut " + directory()),
          failure::getMessage);
      assertEquals(Txid.NONE, captured.spool().lastCut().txid());
      captured.database().insert(9, 900);
      captured.capture();
      Files.delete(inTheWay);
      assertEquals(Txid.FIRST, captured.spool().pendingCut().orElseThrow().write().txid());
      captured.cut();
      captured.requireRestored();
    }
  }

  @Test
  void cutGivesWayToARepair() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      Cut cut = captured.spool().seal().orElseThrow();
      PageSource failing =
          file -> {
            assertEquals(Txid.NONE, writtenElsewhere(cut).txid());
            throw new IOException("the database cannot be read");
          };
      Image image = new Image(1024, 1, Optional.empty(), failing);
      assertThrows(IOException.class, () -> captured.spool().repair(image));
      assertSame(cut, captured.spool().pendingCut().orElseThrow());
      assertEquals(Txid.FIRST, writtenElsewhere(cut).txid());
      captured.requireRestored();
    }
  }

  /** Has a cut written by another thread, as its owner does. */
  private static CutRecord writtenElsewhere(Cut cut) throws IOException {
    FutureTask<CutRecord> writing = new FutureTask<>(cut::write);
    new Thread(writing, "cut").start();
    try {
      return writing.get(30, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException(e);
    } catch (InterruptedException e) {
      throw new InterruptedIOException();
    }
  }

  @Test
  void recordThatMayBeWrittenEndsTheSpool() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      Path record = directory().resolve("position");
      byte[] bytes = Files.readAllBytes(record);
      Files.delete(record);
      Files.createDirectory(record);
      Cut cut = captured.spool().seal().orElseThrow();
      assertThrows(IOException.class, cut::write);
      assertThrows(SpoolException.Unknown.class, cut::write);
      captured.database().insert(1, 1);
      assertThrows(SpoolException.Unknown.class, captured::capture);
      Files.delete(record);
      Files.write(record, bytes);
      captured.reopen();
      captured.capture();
      captured.cut();
      captured.requireRestored();
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void fullDiskLeavesThePositionWhereItWas() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      captured.cut();
      Optional<WalPosition> before = captured.spool().position();
      Path log = directory().resolve("log-0000000000000002");
      Files.createSymbolicLink(log, Path.of("/dev/full"));
      captured.database().insert(9, 900);
      IOException failure = assertThrows(IOException.class, captured::capture);
      assertTrue(
          String.valueOf(failure.getMessage()).startsWith("append to " + log + " offset=0: "),
          failure::getMessage);
      assertEquals(before, captured.spool().position());
      assertEquals(0, captured.spool().logPages());
      assertThrows(IOException.class, captured::capture);
      assertEquals(Optional.empty(), captured.spool().seal());
      captured.spool().close();
      Files.delete(log);
      captured.reopen();
      captured.capture();
      captured.cut();
      captured.requireRestored();
    }
  }

  /** Those of a large cut wait in a file of their own. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void diskThatIsFullForChecksumsOnlyCostsThem() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.database().insert(1, 5_000 * 1024);
      captured.capture();
      Path waiting = directory().resolve("checksums.next");
      Files.createSymbolicLink(waiting, Path.of("/dev/full"));
      Cut cut = captured.spool().seal().orElseThrow();
      assertEquals(Txid.FIRST, cut.write().txid(), "what is buffered fails when it counts already");
      assertTrue(cut.isWritten());
      captured.database().insert(1, 5_000 * 1024);
      captured.capture();
      assertEquals(new Txid(2), captured.cut().txid());
      captured.requireRestored();

      captured.database().insert(1, 15_000 * 1024);
      captured.capture();
      Files.createSymbolicLink(waiting, Path.of("/dev/full"));
      Cut larger = captured.spool().seal().orElseThrow();
      assertThrows(SpoolException.Unwritable.class, larger::write, "before it counts");
      assertEquals(new Txid(3), larger.write().txid(), "there is room again");
      captured.requireRestored();
    }
  }

  @Test
  void walThatFailsToBeReadLeavesTheCommitsBefore() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      long committed = captured.database().mxFrame();
      captured.database().insert(500, 900);
      captured.database().insert(1, 1);
      WalHeader header = captured.database().wal().header().orElseThrow();
      WalPosition from = captured.spool().position().orElseThrow();
      FailingChannel channel = new FailingChannel(captured.database().walChannel(), 3);
      FrameRun run = new FrameRun(channel, 32 + committed * 1048, from, 1024, header.order());
      FrameReader frames =
          new FrameReader(
              run,
              captured.database().mxFrame(),
              ByteBuffer.allocate(FrameReader.BUFFER_BYTES_MIN));
      IOException failure = assertThrows(IOException.class, () -> captured.spool().append(frames));
      assertEquals("read 3 fails", failure.getMessage());
      assertEquals(Optional.of(from), captured.spool().position());
      captured.cut();
      byte[] image = Captured.restore(captured.spool());
      captured.capture();
      captured.cut();
      captured.requireRestored();
      assertTrue(image.length < captured.database().image().length);
    }
  }

  @Test
  void cutOfALogThatIsNotTheWholeDatabaseCannotBeTheFirst() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.database().insert(9, 900);
      captured.database().checkpoint("RESTART");
      captured.database().execute("UPDATE t SET value = 'x' WHERE id = 3");
      captured.capture();
      Cut cut = captured.spool().seal().orElseThrow();
      assertThrows(IllegalArgumentException.class, cut::write);
      byte[] image = captured.database().image();
      captured
          .spool()
          .repair(
              new Image(
                  1024,
                  image.length / 1024,
                  captured.spool().position(),
                  file -> {
                    for (int at = 0; at < image.length; at += 1024) {
                      file.page(at / 1024 + 1, Arrays.copyOfRange(image, at, at + 1024));
                    }
                  }));
      captured.requireRestored();
    }
  }

  @Test
  void otherPageSizeIsRefused() throws SQLException, IOException {
    try (Captured captured = captured();
        LiveDatabase other = LiveDatabase.create(folder.resolve("other"), 2048)) {
      captured.capture();
      WalHeader header = other.wal().header().orElseThrow();
      FrameReader frames =
          other.wal().frames(header.start(), 2048, other.mxFrame(), ByteBuffer.allocate(1 << 20));
      assertThrows(IllegalArgumentException.class, () -> captured.spool().append(frames));
    }
  }

  @Test
  void headerOfACutIsWhatTheRecordSays() throws SQLException, IOException {
    try (Captured captured = captured()) {
      captured.capture();
      CutRecord record = captured.cut();
      LtxHeader header = Captured.headers(captured.spool()).get(0);
      assertEquals(new TxidRange(Txid.FIRST, Txid.FIRST), header.range());
      assertEquals(record.timestampMillis(), header.timestampMillis());
      assertEquals(record.commit(), header.commit());
      assertEquals(record.pageSize(), header.pageSize());
      assertEquals(captured.spool().position(), record.position());
      captured.reopen();
      assertEquals(record, captured.spool().lastCut());
      assertArrayEquals(
          record.toBytes(), CutRecord.parse(record.toBytes()).orElseThrow().toBytes());
    }
  }
}
