package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.LiveDatabase;
import dev.sluice.replicator.wal.WalFrame;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SpoolTest {
  private static final InstantSource NOON = InstantSource.fixed(Instant.ofEpochMilli(1_000_000));

  @TempDir Path folder;

  private Captured captured(int pageSize) throws SQLException, IOException {
    return captured(LiveDatabase.create(folder.resolve("db"), pageSize));
  }

  private Captured captured(LiveDatabase database) throws IOException {
    return new Captured(database, folder.resolve(".db-litestream"), SpoolSetup.of(NOON));
  }

  @ParameterizedTest
  @CsvSource({
    "512, none",
    "1024, full",
    "2048, incremental",
    "4096, none",
    "8192, full",
    "16384, incremental",
    "32768, none",
    "65536, full"
  })
  void eachCutIsTheDatabaseAtItsCommit(int pageSize, String autoVacuum)
      throws SQLException, IOException {
    LiveDatabase database = LiveDatabase.create(folder.resolve("db"), pageSize, autoVacuum);
    try (Captured captured = captured(database)) {
      List<List<String>> history =
          List.of(
              List.of("CREATE INDEX value ON t (value)"),
              List.of(insert(30, 3 * pageSize)),
              List.of(
                  "BEGIN", insert(5, 10), "UPDATE t SET value = 'x' WHERE id % 3 = 0", "COMMIT"),
              List.of(
                  "BEGIN",
                  insert(3, 100),
                  "SAVEPOINT s",
                  insert(40, pageSize),
                  "ROLLBACK TO s",
                  insert(1, 50),
                  "COMMIT"),
              List.of("PRAGMA cache_size = 3", "BEGIN", insert(60, pageSize), "ROLLBACK"),
              List.of(insert(1, 7)),
              List.of("DELETE FROM t WHERE id > 10", "PRAGMA incremental_vacuum", "VACUUM"),
              List.of(insert(10, 2 * pageSize)),
              List.of(
                  "DROP TABLE t", "CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)", "VACUUM"),
              List.of(insert(2, 10)));
      captured.capture();
      captured.cut();
      captured.requireRestored();
      int step = 0;
      for (List<String> statements : history) {
        for (String statement : statements) {
          database.execute(statement);
        }
        captured.capture();
        if (captured.spool().logPages() > 0) {
          captured.cut();
        }
        captured.requireRestored();
        step++;
        if (step % 3 == 0) {
          database.checkpoint(step % 2 == 0 ? "TRUNCATE" : "RESTART");
        }
      }
      assertEquals(Optional.empty(), captured.spool().seal());
    }
  }

  private static String insert(int rows, int bytes) {
    return "INSERT INTO t (value) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        + " LIMIT "
        + rows
        + ") SELECT randomblob("
        + bytes
        + ") FROM n";
  }

  @Test
  void walFieldsOfCutsFollowEachOtherInOneGeneration() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.cut();
      captured.database().insert(3, 5000);
      captured.capture();
      captured.database().insert(3, 5000);
      captured.capture();
      captured.cut();
      WalPosition end = captured.spool().position().orElseThrow();
      LtxHeader first = Captured.headers(captured.spool()).get(0);
      LtxHeader second = Captured.headers(captured.spool()).get(1);
      assertEquals(WalHeader.BYTES, first.walOffset());
      assertEquals(first.walOffset() + first.walSize(), second.walOffset());
      assertEquals(WalFrame.offset(end.frame() + 1, 4096), second.walOffset() + second.walSize());
      assertEquals(end.salts().salt1(), second.walSalt1());
      assertEquals(end.salts().salt2(), second.walSalt2());
    }
  }

  @Test
  void cutThatSpansGenerationsHasTheWalFieldsOfTheLast() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.cut();
      captured.database().insert(3, 5000);
      captured.capture();
      for (String mode : List.of("RESTART", "TRUNCATE", "RESTART")) {
        captured.database().checkpoint(mode);
        captured.database().insert(2, 3000);
        captured.capture();
      }
      captured.database().insert(1, 1);
      captured.capture();
      long frames = captured.database().mxFrame();
      captured.cut();
      captured.requireRestored();
      LtxHeader last = Captured.headers(captured.spool()).get(1);
      assertEquals(WalHeader.BYTES, last.walOffset());
      assertEquals(frames * WalFrame.bytes(4096), last.walSize());
      assertEquals(
          captured.database().wal().header().orElseThrow().salts().salt1(), last.walSalt1());
    }
  }

  @Test
  void generationInSeveralLogFilesIsOneInTheWalFields() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.cut();
      long from = captured.spool().position().orElseThrow().frame();
      for (int i = 0; i < 3; i++) {
        captured.database().insert(2, 3000);
        captured.capture();
        captured.reopen();
      }
      captured.cut();
      captured.requireRestored();
      LtxHeader last = Captured.headers(captured.spool()).get(1);
      assertEquals(WalFrame.offset(from + 1, 4096), last.walOffset());
    }
  }

  @Test
  void framesGoOnInAnotherLogWhileACutIsPending() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      Cut first = captured.spool().seal().orElseThrow();
      captured.database().insert(10, 3000);
      captured.capture();
      assertSame(first, captured.spool().pendingCut().orElseThrow());
      assertThrows(IllegalStateException.class, () -> captured.spool().seal());
      assertEquals(Txid.FIRST, first.write().txid());
      assertTrue(first.isWritten());
      assertThrows(IllegalStateException.class, first::write);
      assertEquals(Optional.empty(), captured.spool().pendingCut());
      captured.cut();
      captured.requireRestored();
    }
  }

  @Test
  void whatWasPendingIsCutWithTheRestAfterReopening() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.spool().seal();
      captured.database().insert(10, 3000);
      captured.capture();
      captured.reopen();
      assertEquals(
          captured.database().mxFrame(), captured.spool().position().orElseThrow().frame());
      assertEquals(Txid.FIRST, captured.cut().txid());
      captured.requireRestored();
    }
  }

  @Test
  void timestampsNeverGoBack() throws SQLException, IOException {
    long[] now = {5_000};
    LiveDatabase database = LiveDatabase.create(folder.resolve("db"), 4096);
    SpoolSetup setup = SpoolSetup.of(() -> Instant.ofEpochMilli(now[0]));
    try (Captured captured = new Captured(database, folder.resolve("spool"), setup)) {
      captured.capture();
      assertEquals(5_000, captured.cut().timestampMillis());
      now[0] = 4_000;
      database.insert(1, 1);
      captured.capture();
      assertEquals(5_001, captured.cut().timestampMillis());
      captured.reopen();
      now[0] = 0;
      database.insert(1, 1);
      captured.capture();
      assertEquals(5_002, captured.cut().timestampMillis());
      assertEquals(5_002, Captured.headers(captured.spool()).get(2).timestampMillis());
    }
  }

  @Test
  void imageTakesThePlaceOfTheLog() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.cut();
      captured.database().insert(5, 100);
      captured.capture();
      Cut pending = captured.spool().seal().orElseThrow();
      captured.database().insert(5, 100);
      captured.capture();
      captured.database().insert(50, 1000);
      byte[] image = captured.database().image();
      FrameReader rest = captured.frames(captured.database().mxFrame());
      while (rest.next()) {
        // To know where the image stands.
      }
      PageSource pages =
          file -> {
            for (int at = 0; at < image.length; at += 4096) {
              file.page(at / 4096 + 1, Arrays.copyOfRange(image, at, at + 4096));
            }
          };
      CutRecord record =
          captured
              .spool()
              .repair(new Image(4096, image.length / 4096, Optional.of(rest.position()), pages));
      assertEquals(new Txid(2), record.txid());
      assertEquals(Optional.of(rest.position()), captured.spool().position());
      assertEquals(Optional.empty(), captured.spool().pendingCut());
      assertEquals(record, pending.write());
      captured.database().insert(3, 10);
      captured.capture();
      captured.cut();
      captured.requireRestored();
      LtxHeader header = Captured.headers(captured.spool()).get(1);
      assertEquals(WalHeader.BYTES, header.walOffset());
      assertEquals(WalFrame.offset(rest.position().frame() + 1, 4096), 32 + header.walSize());
      assertEquals(List.of(), logs());
    }
  }

  @Test
  void imageOfADatabaseWithoutAWalIsFollowedByItsFirstGeneration()
      throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      byte[] image = captured.database().image();
      captured.database().checkpoint("TRUNCATE");
      PageSource pages =
          file -> {
            for (int at = 0; at < image.length; at += 4096) {
              file.page(at / 4096 + 1, Arrays.copyOfRange(image, at, at + 4096));
            }
          };
      captured.spool().repair(new Image(4096, image.length / 4096, Optional.empty(), pages));
      assertEquals(Optional.empty(), captured.spool().position());
      assertArrayEquals(image, Files.readAllBytes(captured.database().path()));
      captured.database().insert(9, 900);
      captured.capture();
      captured.reopen();
      assertEquals(
          captured.database().mxFrame(), captured.spool().position().orElseThrow().frame());
      captured.cut();
      assertEquals(0, Captured.headers(captured.spool()).get(0).walOffset());
    }
  }

  @Test
  void emptyLogHasNoFile() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      assertEquals(List.of(), logs());
      captured.capture();
      assertEquals(1, logs().size());
      captured.cut();
      assertEquals(List.of(), logs());
      assertEquals(0, captured.spool().logBytes());
      captured.capture();
      assertEquals(List.of(), logs());
    }
  }

  private List<String> logs() throws IOException {
    try (var files = Files.list(folder.resolve(".db-litestream"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("log-"))
          .toList();
    }
  }

  @Test
  void framesFromElsewhereAreRefused() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      WalPosition first = captured.spool().position().orElseThrow();
      captured.database().insert(5, 3000);
      captured.capture();
      FrameReader again =
          captured
              .database()
              .wal()
              .frames(first, 4096, first.frame(), ByteBuffer.allocate(1 << 20));
      assertThrows(IllegalArgumentException.class, () -> captured.spool().append(again));
    }
  }

  @Test
  void filesGoWhenToldTo() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.cut();
      captured.database().insert(5, 3000);
      captured.capture();
      captured.cut();
      captured.spool().delete(Txid.FIRST);
      assertEquals(
          List.of(new Txid(2)), captured.spool().files().stream().map(SpooledFile::txid).toList());
      captured.spool().delete(new Txid(2));
      captured.reopen();
      assertEquals(new Txid(2), captured.spool().lastCut().txid());
      captured.database().insert(5, 3000);
      captured.capture();
      assertEquals(new Txid(3), captured.cut().txid());
      assertThrows(IllegalArgumentException.class, () -> captured.spool().delete(new Txid(4)));
    }
  }

  @Test
  void beginningAnewGoesOnAfterTheGivenTxid() throws SQLException, IOException {
    try (Captured captured = captured(4096)) {
      captured.capture();
      captured.cut();
      captured.database().insert(1, 1);
      captured.capture();
    }
    Path directory = folder.resolve(".db-litestream");
    try (Spool spool = Spool.begin(directory, new Txid(0x41), 2_000_000, SpoolSetup.of(NOON))) {
      assertEquals(List.of(), spool.files());
      assertEquals(Optional.empty(), spool.position());
      assertEquals(List.of(), logs());
      Image image = new Image(512, 1, Optional.empty(), file -> file.page(1, new byte[512]));
      CutRecord record = spool.repair(image);
      assertEquals(new Txid(0x42), record.txid());
      assertEquals(2_000_001, record.timestampMillis());
      assertFalse(Files.exists(directory.resolve("ltx/0/0000000000000001-0000000000000001.ltx")));
    }
  }
}
