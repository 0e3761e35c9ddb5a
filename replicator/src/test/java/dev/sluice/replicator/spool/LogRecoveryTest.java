package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.wal.LiveDatabase;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a log file says after something happened to its bytes. */
final class LogRecoveryTest {
  private static final int PAGE_SIZE = 512;
  private static final int DENSE_BYTES = 1500;
  private static final int STRIDE = 11;
  private static final SpoolSetup SETUP = SpoolSetup.of(() -> Instant.EPOCH);

  @TempDir Path folder;

  /** The position after each append, by the size of the log then; at 0, of the cut before. */
  private final NavigableMap<Long, Optional<WalPosition>> positions = new TreeMap<>();

  private final NavigableMap<Long, byte[]> images = new TreeMap<>();

  private Path directory = Path.of("");
  private Path log = Path.of("");
  private byte[] bytes = {};

  /** A cut, and behind it a log of two generations and five commits. */
  @BeforeEach
  void capture() throws SQLException, IOException {
    directory = folder.resolve("spool");
    try (Captured captured =
        new Captured(LiveDatabase.create(folder.resolve("db"), PAGE_SIZE), directory, SETUP)) {
      captured.capture();
      captured.cut();
      note(captured);
      for (int i = 0; i < 5; i++) {
        if (i == 3) {
          captured.database().checkpoint("RESTART");
        }
        captured.database().insert(1, 100 + 150 * i);
        captured.capture();
        note(captured);
      }
    }
    log = directory.resolve("log-0000000000000002");
    bytes = Files.readAllBytes(log);
    assertEquals(bytes.length, positions.lastKey());
  }

  /**
   * Returns each byte of the first frames, every eleventh behind them, and those around commits.
   */
  private int next(int at) {
    boolean isNear = at < DENSE_BYTES || positions.floorKey((long) at + STRIDE) >= at - 1;
    return at + (isNear ? 1 : STRIDE);
  }

  private void note(Captured captured) throws SQLException {
    positions.put(captured.spool().logBytes(), captured.spool().position());
    images.put(captured.spool().logBytes(), captured.database().image());
  }

  private Spool open(byte[] content) throws IOException {
    Files.write(log, content);
    return Spool.open(directory, SETUP);
  }

  /** Fails unless the spool ends at the last commit within {@code intact} bytes. */
  private void requireEnd(Spool spool, long intact, String what) throws IOException {
    long end = positions.floorKey(intact);
    assertEquals(positions.get(end), spool.position(), what);
    assertEquals(images.floorEntry(end).getValue().length / PAGE_SIZE, spool.commit(), what);
    assertEquals(end > 0, Files.exists(log), what);
    assertEquals(end, spool.logBytes(), what);
    if (end > 0) {
      assertEquals(end, Files.size(log), what);
    }
  }

  @Test
  void logCutAtAnyByteEndsAtTheCommitBefore() throws IOException {
    for (int length = 0; length <= bytes.length; length = next(length)) {
      try (Spool spool = open(Arrays.copyOf(bytes, length))) {
        requireEnd(spool, length, "cut at " + length);
        boolean isWhole = positions.containsKey((long) length);
        assertEquals(isWhole ? 0 : 1, spool.notes().size(), () -> "notes: " + spool.notes());
      }
    }
  }

  @Test
  void flippedByteEndsTheLogAtTheCommitBeforeIt() throws IOException {
    for (int at = 0; at < bytes.length; at = next(at)) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 1;
      try (Spool spool = open(damaged)) {
        requireEnd(spool, at, "flipped at " + at);
        String line = String.join("\n", spool.notes());
        assertTrue(line.startsWith(log.toString()), line);
        assertEquals(1, spool.notes().size(), line);
      }
    }
  }

  @Test
  void whatIsLeftGivesTheDatabaseAtThatCommit() throws IOException {
    byte[] cut =
        Files.readAllBytes(directory.resolve("ltx/0/0000000000000001-0000000000000001.ltx"));
    byte[] record = Files.readAllBytes(directory.resolve("position"));
    for (long end : positions.keySet()) {
      try (Spool spool = open(Arrays.copyOf(bytes, (int) Math.min(bytes.length, end + 300)))) {
        Optional<Cut> next = spool.seal();
        assertEquals(end > 0, next.isPresent());
        if (next.isPresent()) {
          assertEquals(new Txid(2), next.get().write().txid());
        }
        assertArrayEquals(images.get(end), Captured.restore(spool));
      }
      Files.deleteIfExists(directory.resolve("ltx/0/0000000000000002-0000000000000002.ltx"));
      Files.write(directory.resolve("ltx/0/0000000000000001-0000000000000001.ltx"), cut);
      Files.write(directory.resolve("position"), record);
    }
  }

  @Test
  void framesBehindTheEndThatAreOlderAreCutOff() throws IOException {
    byte[] stale = Arrays.copyOf(bytes, bytes.length + 3 * 536);
    System.arraycopy(bytes, LogSection.BYTES, stale, bytes.length, 3 * 536);
    try (Spool spool = open(stale)) {
      requireEnd(spool, bytes.length, "older frames");
      assertEquals(1, spool.notes().size());
    }
    byte[] repeated = Arrays.copyOf(bytes, bytes.length * 2);
    System.arraycopy(bytes, 0, repeated, bytes.length, bytes.length);
    try (Spool spool = open(repeated)) {
      requireEnd(spool, bytes.length, "the whole log again");
    }
  }

  @Test
  void fileThatDoesNotGoOnIsDropped() throws IOException {
    Path next = directory.resolve("log-0000000000000003");
    open(bytes).close();
    Files.write(next, bytes);
    Files.write(directory.resolve("log-0000000000000004"), new byte[100]);
    Files.write(directory.resolve("log-0000000000000005"), new byte[0]);
    try (Spool spool = Spool.open(directory, SETUP)) {
      requireEnd(spool, bytes.length, "two logs");
      assertEquals(2, spool.notes().size(), () -> "notes: " + spool.notes());
      assertEquals(false, Files.exists(next));
    }
  }

  @Test
  void laterFileIsDroppedIfTheOneBeforeItLostItsEnd() throws SQLException, IOException {
    LiveDatabase database = LiveDatabase.create(folder.resolve("db2"), PAGE_SIZE);
    Path second = folder.resolve("spool2");
    try (Captured captured = new Captured(database, second, SETUP)) {
      captured.capture();
      captured.database().insert(3, 300);
      captured.capture();
      Optional<WalPosition> first = captured.spool().position();
      captured.database().insert(3, 300);
      captured.capture();
      captured.spool().close();
      captured.reopen();
      captured.database().insert(3, 300);
      captured.capture();
      captured.spool().close();
      Path log1 = second.resolve("log-0000000000000001");
      byte[] whole = Files.readAllBytes(log1);
      Files.write(log1, Arrays.copyOf(whole, whole.length - 1));
      captured.reopen();
      assertEquals(first, captured.spool().position());
      assertEquals(2, captured.spool().notes().size());
      captured.capture();
      captured.cut();
      captured.requireRestored();
    }
  }

  @Test
  void appendingGoesOnAfterATornTail() throws SQLException, IOException {
    LiveDatabase database = LiveDatabase.create(folder.resolve("db2"), PAGE_SIZE);
    Path second = folder.resolve("spool2");
    try (Captured captured = new Captured(database, second, SETUP)) {
      captured.capture();
      captured.database().insert(3, 300);
      captured.capture();
      captured.spool().close();
      Files.write(
          second.resolve("log-0000000000000001"), new byte[1000], StandardOpenOption.APPEND);
      captured.reopen();
      captured.database().insert(3, 300);
      captured.capture();
      captured.spool().close();
      captured.reopen();
      assertEquals(
          captured.database().mxFrame(), captured.spool().position().orElseThrow().frame());
      captured.cut();
      captured.requireRestored();
    }
  }
}
