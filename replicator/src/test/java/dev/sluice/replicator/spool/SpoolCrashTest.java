package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Checksums;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.wal.LiveDatabase;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Ends the process in mind at every step that the code names, each time it takes it, and goes on
 * with what is on disk.
 */
final class SpoolCrashTest {
  private static final int PAGE_SIZE = 1024;

  @TempDir Path folder;

  /** The process is gone. */
  private static final class Crash extends Error {
    private static final long serialVersionUID = 1L;
  }

  /** Counts steps, and crashes at one of them. */
  private static final class Steps implements SpoolStep.Listener {
    private final Map<SpoolStep, Integer> taken = new EnumMap<>(SpoolStep.class);
    private final Optional<SpoolStep> fatal;
    private final int occurrence;

    Steps(Optional<SpoolStep> fatal, int occurrence) {
      this.fatal = fatal;
      this.occurrence = occurrence;
    }

    @Override
    public void reached(SpoolStep step) {
      int times = taken.merge(step, 1, Integer::sum);
      if (fatal.equals(Optional.of(step)) && times == occurrence) {
        throw new Crash();
      }
    }
  }

  /** An application's day, and what a second process was shown of the spool. */
  private static final class Day implements AutoCloseable {
    private final LiveDatabase database;
    private final Path directory;
    private final Map<Txid, byte[]> shown = new TreeMap<>();
    private final Map<Txid, byte[]> uploaded = new TreeMap<>();
    private Optional<Captured> captured = Optional.empty();
    private boolean isRepaired;
    private WalPosition proved;

    Day(Path folder) throws SQLException, IOException {
      database = LiveDatabase.create(folder.resolve("db"), PAGE_SIZE);
      directory = folder.resolve("spool");
      proved = database.wal().header().orElseThrow().start();
    }

    /** Goes on until all is done or the process is gone, from what is on disk. */
    void live(SpoolStep.Listener steps) throws SQLException, IOException {
      die();
      SpoolSetup setup = new SpoolSetup(() -> Instant.ofEpochMilli(1), steps);
      Captured process = new Captured(database, directory, setup);
      captured = Optional.of(process);
      capture(process);
      cut(process);
      database.insert(20, 3 * PAGE_SIZE);
      capture(process);
      process.database().checkpoint("RESTART");
      database.insert(3, PAGE_SIZE);
      capture(process);
      upload(process);
      process.spool().close();
      process.reopen();
      database.insert(2, 100);
      captureRolledBackFrames(process);
      capture(process);
      cut(process);
      database.execute("DELETE FROM t WHERE id > 5", "VACUUM");
      capture(process);
      Cut pending = process.spool().seal().orElseThrow();
      database.insert(4, 2 * PAGE_SIZE);
      capture(process);
      show(process, pending.write());
      cut(process);
      repair(process);
      upload(process);
      repair(process);
    }

    private void die() throws IOException {
      if (captured.isPresent()) {
        captured.get().spool().abandon();
      }
    }

    /** Brings the first file that is there into safety. */
    private void upload(Captured process) throws IOException {
      if (!process.spool().files().isEmpty()) {
        SpooledFile first = process.spool().files().get(0);
        uploaded.put(first.txid(), Files.readAllBytes(first.path()));
        process.spool().delete(first.txid());
      }
    }

    /** Misses a generation, or on the second call, nothing. */
    private void repair(Captured process) throws SQLException, IOException {
      if (!isRepaired) {
        database.insert(5, 2 * PAGE_SIZE);
        database.checkpoint("TRUNCATE");
        database.insert(2, 10);
        isRepaired = true;
      }
      Txid before = process.spool().lastCut().txid();
      CutRecord record = process.repair();
      if (record.txid().isAfter(before)) {
        show(process, record);
      }
      proved = process.spool().position().orElseThrow();
    }

    private void capture(Captured process) throws SQLException, IOException {
      process.capture();
      proved = process.spool().position().orElseThrow();
    }

    /** Reads further than SQLite says, which no engine does: the log then has a loose end. */
    private void captureRolledBackFrames(Captured process) throws SQLException, IOException {
      database.execute("PRAGMA cache_size = 3", "BEGIN");
      database.insert(30, 3 * PAGE_SIZE);
      database.execute("ROLLBACK");
      process.capture(database.mxFrame() + 5);
      proved = process.spool().position().orElseThrow();
    }

    private void cut(Captured process) throws IOException {
      Optional<Cut> cut = process.spool().seal();
      if (cut.isPresent()) {
        show(process, cut.get().write());
      }
    }

    private void show(Captured process, CutRecord record) throws IOException {
      byte[] before =
          shown.put(record.txid(), Files.readAllBytes(process.spool().path(record.txid())));
      assertEquals(null, before, () -> "TXID given twice: " + record.txid());
    }

    /** Opens what a crash left and fails unless it has all, once. */
    void requireWhole() throws SQLException, IOException {
      die();
      SpoolSetup setup = SpoolSetup.of(() -> Instant.ofEpochMilli(1));
      Captured process = new Captured(database, directory, setup);
      Optional<WalPosition> position = process.spool().position();
      long frame = position.map(WalPosition::frame).orElse(0L);
      boolean isSame = position.map(WalPosition::salts).equals(Optional.of(proved.salts()));
      assertTrue(
          proved.frame() == 0 || !isSame || frame >= proved.frame(),
          () -> "proved up to " + proved + ", now " + position);
      assertTrue(
          proved.frame() == 0 || isSame || isNewGeneration(position), () -> "lost: " + position);
      for (var file : shown.entrySet()) {
        if (!uploaded.containsKey(file.getKey())) {
          assertArrayEquals(
              file.getValue(), Files.readAllBytes(process.spool().path(file.getKey())));
        }
      }
      requireTrueChecksums(restored(process));
      if (isRepaired) {
        process.repair(); // for what a crash between the loss and its repair has left
      }
      process.capture();
      cut(process);
      assertArrayEquals(database.image(), restored(process));
      requireTrueChecksums(restored(process));
      requireInOrder(Captured.headers(process.spool()));
      assertEquals(List.of(), junk());
      process.spool().close();
    }

    private byte[] restored(Captured process) throws IOException {
      byte[] image = {};
      Txid last = process.spool().lastCut().txid();
      for (Txid txid = Txid.FIRST; !txid.isAfter(last); txid = txid.next()) {
        byte[] there = uploaded.get(txid);
        image =
            Captured.apply(
                image, there == null ? Files.readAllBytes(process.spool().path(txid)) : there);
      }
      return image;
    }

    /** What is claimed of a page must be so. */
    private void requireTrueChecksums(byte[] image) throws IOException {
      Path file = directory.resolve("checksums");
      if (Files.exists(file)) {
        ByteBuffer entries = ByteBuffer.wrap(Files.readAllBytes(file));
        int pages = (entries.capacity() - PageChecksums.AT_ENTRIES) / Long.BYTES;
        for (int i = 0; i < pages; i++) {
          long claimed = entries.getLong(PageChecksums.AT_ENTRIES + i * Long.BYTES);
          byte[] page = Arrays.copyOfRange(image, i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
          assertEquals(Checksums.page(i + 1, page), claimed, "page " + (i + 1));
        }
      }
    }

    private boolean isNewGeneration(Optional<WalPosition> position) {
      try {
        return position
            .map(WalPosition::salts)
            .equals(Optional.of(database.wal().header().orElseThrow().salts()));
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }

    private static void requireInOrder(List<LtxHeader> headers) {
      for (int i = 1; i < headers.size(); i++) {
        LtxHeader before = headers.get(i - 1);
        LtxHeader next = headers.get(i);
        assertTrue(next.timestampMillis() > before.timestampMillis());
        boolean isSameGeneration =
            next.walSalt1() == before.walSalt1() && next.walSalt2() == before.walSalt2();
        assertEquals(
            isSameGeneration ? before.walOffset() + before.walSize() : 32, next.walOffset());
      }
    }

    /** Returns what is left in the directory that belongs to no cut. */
    private List<Path> junk() throws IOException {
      try (var files = Files.walk(directory)) {
        return files
            .filter(Files::isRegularFile)
            .filter(file -> !file.toString().endsWith(".ltx"))
            .filter(file -> !List.of("position", "lock", "checksums").contains(name(file)))
            .filter(file -> !name(file).startsWith("kept-") && !name(file).startsWith("image-"))
            .toList();
      }
    }

    private static String name(Path file) {
      return String.valueOf(file.getFileName());
    }

    @Override
    public void close() throws SQLException, IOException {
      if (captured.isPresent()) {
        captured.get().spool().close();
      }
      database.close();
    }
  }

  private Path fresh(String name) throws IOException {
    return Files.createDirectory(folder.resolve(name));
  }

  @ParameterizedTest
  @EnumSource(SpoolStep.class)
  void crashAtAnyStepLosesNothingAndGivesNoTxidTwice(SpoolStep step)
      throws SQLException, IOException {
    Steps counted = new Steps(Optional.empty(), 0);
    try (Day day = new Day(fresh("whole"))) {
      day.live(counted);
      day.requireWhole();
    }
    int times = counted.taken.getOrDefault(step, 0);
    assertTrue(times > 0, "no crash was tried at " + step);
    for (int i = 1; i <= times; i++) {
      try (Day day = new Day(fresh("crash-" + i))) {
        boolean isGone = false;
        try {
          day.live(new Steps(Optional.of(step), i));
        } catch (Crash e) {
          isGone = true;
        }
        assertTrue(isGone);
        day.requireWhole();
      }
    }
  }

  @Test
  void everyStepIsTried() throws SQLException, IOException {
    Steps counted = new Steps(Optional.empty(), 0);
    try (Day day = new Day(fresh("whole"))) {
      day.live(counted);
    }
    assertEquals(EnumSet.allOf(SpoolStep.class), counted.taken.keySet());
  }

  /** Crashes, goes on and crashes again, one step further in each round. */
  @Test
  void crashesInARowLoseNothing() throws SQLException, IOException {
    for (SpoolStep step : SpoolStep.values()) {
      try (Day day = new Day(fresh("row-" + step))) {
        boolean isGone = true;
        for (int i = 1; isGone; i++) {
          isGone = false;
          try {
            day.live(new Steps(Optional.of(step), i));
          } catch (Crash e) {
            isGone = true;
          }
        }
        day.requireWhole();
      }
    }
  }

  /** The log would go on where the image stands: only its number says that it is done with. */
  @Test
  void logThatAnImageReplacedStaysReplaced() throws SQLException, IOException {
    Path directory = folder.resolve("spool");
    Steps steps = new Steps(Optional.of(SpoolStep.RECORD_FSYNCED), 2);
    SpoolSetup setup = new SpoolSetup(() -> Instant.EPOCH, steps);
    try (Captured captured =
        new Captured(LiveDatabase.create(folder.resolve("db"), PAGE_SIZE), directory, setup)) {
      captured.capture();
      Image image =
          new Image(PAGE_SIZE, 1, Optional.empty(), file -> file.page(1, new byte[PAGE_SIZE]));
      assertThrows(Crash.class, () -> captured.spool().repair(image));
      captured.reopen();
      assertEquals(Txid.FIRST, captured.spool().lastCut().txid());
      assertEquals(Optional.empty(), captured.spool().position());
      assertEquals(Optional.empty(), captured.spool().seal());
    }
  }

  @Test
  void recordThatPowerCutTookLeavesTheOneBefore() throws SQLException, IOException {
    try (Day day = new Day(fresh("power"))) {
      boolean isGone = false;
      try {
        day.live(new Steps(Optional.of(SpoolStep.RECORD_WRITTEN), 3));
      } catch (Crash e) {
        isGone = true;
      }
      assertTrue(isGone);
      Path file = day.directory.resolve("position");
      byte[] bytes = Files.readAllBytes(file);
      int newer = 0;
      assertEquals(new Txid(2), CutRecord.parse(Arrays.copyOf(bytes, 76)).orElseThrow().txid());
      for (int torn = 0; torn < CutRecord.BYTES; torn++) {
        byte[] damaged = bytes.clone();
        Arrays.fill(damaged, newer + torn, newer + CutRecord.BYTES, (byte) 0);
        Files.write(file, damaged);
        assertEquals(
            Txid.FIRST, new RecordFile(file).read().orElseThrow().txid(), "torn at " + torn);
      }
      assertFalse(day.shown.containsKey(new Txid(2)));
      day.requireWhole();
    }
  }
}
