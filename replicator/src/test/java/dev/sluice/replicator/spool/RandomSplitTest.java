package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.LiveDatabase;
import dev.sluice.replicator.wal.WalEnd;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One random history, captured by spools that read, cut, are killed and lose the ends of their logs
 * at different moments: all give the same database.
 */
final class RandomSplitTest {
  private static final int SPOOLS = 4;
  private static final int TRANSACTIONS = 60;
  private static final int[] PAGE_SIZES = {512, 1024, 4096};
  private static final SpoolSetup SETUP = SpoolSetup.of(() -> Instant.EPOCH);

  @TempDir Path folder;

  /** A spool with a will of its own. */
  private static final class Taker {
    private final LiveDatabase database;
    private final Path directory;
    private final Random random;
    private final ByteBuffer buffer = ByteBuffer.allocate(FrameReader.BUFFER_BYTES_MIN);
    private Spool spool;

    Taker(LiveDatabase database, Path directory, Random random) throws IOException {
      this.database = database;
      this.directory = directory;
      this.random = random;
      this.spool = Captured.openOrBegin(directory, SETUP);
    }

    /** Takes the commits up to one of those that there are, or all of them. */
    void take(List<Long> commits, boolean all) throws IOException {
      WalHeader header = database.wal().header().orElseThrow();
      WalPosition from =
          spool
              .position()
              .filter(position -> position.salts().equals(header.salts()))
              .orElse(header.start());
      long most = commits.get(all ? commits.size() - 1 : random.nextInt(commits.size()));
      long limit = Math.max(from.frame(), most);
      FrameReader frames = database.wal().frames(from, header.pageSize(), limit, buffer);
      Capture capture = spool.append(frames);
      assertEquals(new WalEnd.Reached(), capture.end());
      assertEquals(limit - from.frame(), capture.frames());
    }

    void actUp(boolean isFirstGeneration) throws IOException {
      switch (random.nextInt(isFirstGeneration ? 7 : 6)) {
        case 0, 1 -> cut();
        case 2 -> seal();
        case 3 -> reopen();
        case 6 -> loseEnd();
        default -> {}
      }
    }

    private void seal() throws IOException {
      if (spool.pendingCut().isEmpty()) {
        spool.seal();
      }
    }

    void cut() throws IOException {
      Optional<Cut> pending = spool.pendingCut();
      if (pending.isPresent()) {
        pending.get().write();
      }
      Optional<Cut> cut = spool.seal();
      if (cut.isPresent()) {
        cut.get().write();
      }
    }

    private void reopen() throws IOException {
      spool.close();
      spool = Captured.openOrBegin(directory, SETUP);
      assertEquals(List.of(), spool.notes());
    }

    /**
     * A power cut takes bytes from the end of the last log file. They are read again from the WAL;
     * what was in an earlier generation is not there any more, so this comes before a checkpoint
     * only.
     */
    private void loseEnd() throws IOException {
      spool.close();
      Optional<Path> last = lastLog();
      if (last.isPresent()) {
        byte[] bytes = Files.readAllBytes(last.get());
        Files.write(last.get(), Arrays.copyOf(bytes, random.nextInt(bytes.length + 1)));
      }
      spool = Captured.openOrBegin(directory, SETUP);
    }

    private Optional<Path> lastLog() throws IOException {
      try (Stream<Path> files = Files.list(directory)) {
        return files
            .filter(file -> String.valueOf(file.getFileName()).startsWith("log-"))
            .max(Comparator.naturalOrder());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void allSplitsGiveTheSameDatabase(long seed) throws SQLException, IOException {
    Random random = new Random(seed);
    String what = "seed " + seed;
    int pageSize = PAGE_SIZES[random.nextInt(PAGE_SIZES.length)];
    String autoVacuum = List.of("none", "full", "incremental").get(random.nextInt(3));
    try (LiveDatabase database = LiveDatabase.create(folder.resolve("db"), pageSize, autoVacuum)) {
      List<Taker> takers = new ArrayList<>();
      for (int i = 0; i < SPOOLS; i++) {
        Path directory = folder.resolve("spool-" + i);
        takers.add(new Taker(database, directory, new Random(random.nextLong())));
      }
      boolean isFirstGeneration = true;
      List<Long> commits = new ArrayList<>(List.of(database.mxFrame()));
      for (int i = 0; i < TRANSACTIONS; i++) {
        change(database, random);
        commits.add(database.mxFrame());
        for (Taker taker : takers) {
          taker.take(commits, false);
          taker.actUp(isFirstGeneration);
        }
        if (random.nextInt(10) == 0) {
          for (Taker taker : takers) {
            taker.take(commits, true);
          }
          database.checkpoint(random.nextBoolean() ? "RESTART" : "TRUNCATE");
          database.insert(1, 10);
          isFirstGeneration = false;
          commits = new ArrayList<>(List.of(database.mxFrame()));
        }
      }
      byte[] image = database.image();
      for (Taker taker : takers) {
        taker.take(commits, true);
        taker.cut();
        assertArrayEquals(image, Captured.restore(taker.spool), what);
        requireWalFields(Captured.headers(taker.spool), what);
        taker.spool.close();
      }
    }
  }

  private static void requireWalFields(List<LtxHeader> headers, String what) {
    for (int i = 1; i < headers.size(); i++) {
      LtxHeader before = headers.get(i - 1);
      LtxHeader next = headers.get(i);
      boolean isSame = before.walSalt1() == next.walSalt1() && before.walSalt2() == next.walSalt2();
      assertEquals(isSame ? before.walOffset() + before.walSize() : 32, next.walOffset(), what);
    }
  }

  private static void change(LiveDatabase database, Random random) throws SQLException {
    int id = 1 + random.nextInt(200);
    switch (random.nextInt(9)) {
      case 0 -> database.insert(1 + random.nextInt(30), random.nextInt(3000));
      case 1 -> database.insert(1, random.nextInt(20_000));
      case 2 -> database.execute("DELETE FROM t WHERE id BETWEEN " + id + " AND " + (id + 40));
      case 3 -> database.execute("UPDATE t SET value = randomblob(300) WHERE id % 7 = " + id % 7);
      case 4 -> database.execute("VACUUM");
      case 5 -> database.execute("PRAGMA incremental_vacuum(3)");
      case 6 -> rolledBack(database);
      case 7 ->
          database.execute(
              "CREATE TABLE IF NOT EXISTS u" + id % 5 + " (a, b)",
              "INSERT INTO u" + id % 5 + " SELECT id, value FROM t LIMIT 20");
      default -> database.execute("DROP TABLE IF EXISTS u" + id % 5);
    }
  }

  private static void rolledBack(LiveDatabase database) throws SQLException {
    database.execute("PRAGMA cache_size = 3", "BEGIN");
    database.insert(40, 2000);
    database.execute("ROLLBACK", "PRAGMA cache_size = -2000");
  }
}
