package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the application notices of us: how long its WAL is, and who waits for whom. */
final class CheckpointTest {
  private static final int PAGE_SIZE = 4096;

  @TempDir Path folder;

  private Primary primary;

  @BeforeEach
  void create() throws SQLException, IOException {
    primary = new Primary(folder);
    primary.create(PAGE_SIZE);
    primary.insert(20, 3000);
    primary.cut();
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  private long walPages() throws IOException {
    return Files.size(primary.wal()) / PAGE_SIZE;
  }

  /** Waits until the file system's clock has gone on past what was written. */
  private void settle() throws IOException {
    primary.pass(1000);
    for (int i = 0; i < 10_000 && primary.capture().pause().toMillis() != 250; i++) {
      primary.capture().capture();
      Thread.onSpinWait();
    }
    assertEquals(Duration.ofMillis(250), primary.capture().pause());
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 1000})
  void walBeginsAnewAtTheThreshold(int pages) throws SQLException, IOException {
    primary.kill();
    primary.set(primary.settings().withCheckpointPages(pages));
    for (int i = 0; i < 5 * pages / 10; i++) {
      primary.insert(9, 3500);
      primary.capture().capture();
      primary.pass(100);
    }
    assertTrue(walPages() < pages + 200, () -> "WAL of " + pages());
    CheckpointFigures figures = primary.capture().checkpoints();
    assertEquals(0, figures.barrierMisses());
    assertEquals(0, figures.errors());
    assertTrue(figures.barriers().count() > 0, figures::toString);
    assertTrue(figures.count() >= figures.barriers().count(), figures::toString);
    primary.cut();
    primary.requireCaptured();
    assertEquals(0, primary.capture().repairs());
  }

  private String pages() {
    try {
      return walPages() + " pages";
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void idleReaderHindersNobody() throws SQLException, IOException {
    primary.insert(10, 3000);
    primary.capture().capture();
    assertTrue(walPages() > 10);
    settle();
    assertEquals(0, primary.checkpoint("TRUNCATE"));
    primary.insert(1, 10);
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs());
  }

  @Test
  void commitAfterALongRestIsSeenAtTheNextCapture() throws SQLException, IOException {
    for (int i = 0; i < 3; i++) {
      settle();
      primary.pass(20_000);
      assertEquals(0, primary.capture().capture());
      primary.insert(1, 10);
      assertTrue(primary.capture().capture() > 0, "round " + i);
      assertEquals(Duration.ofMillis(50), primary.capture().pause());
    }
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs());
  }

  /** While somebody reads an older state the WAL cannot be copied whole; it is tried again. */
  @Test
  void restIsTriedAgainWhenAForeignReaderEnds() throws SQLException, IOException {
    try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + primary.database());
        Statement reader = other.createStatement()) {
      reader.execute("BEGIN");
      try (ResultSet rows = reader.executeQuery("SELECT count(*) FROM t")) {
        assertTrue(rows.next());
      }
      primary.insert(10, 3000);
      primary.capture().capture();
      settle();
      reader.execute("ROLLBACK");
    }
    primary.pass(4000);
    primary.capture().capture();
    primary.pass(1001);
    primary.capture().capture();
    settle();
    long bytes = Files.size(primary.wal());
    primary.insert(1, 10);
    assertEquals(bytes, Files.size(primary.wal()), "the WAL did not begin anew");
    primary.cut();
    primary.requireCaptured();
  }

  @Test
  void checkpointThatAForeignReaderHindersIsNotTriedAgainAtOnce() throws SQLException, IOException {
    primary.kill();
    primary.set(primary.settings().withCheckpointPages(10));
    primary.cut();
    try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + primary.database());
        Statement reader = other.createStatement()) {
      reader.execute("BEGIN");
      try (ResultSet rows = reader.executeQuery("SELECT count(*) FROM t")) {
        assertTrue(rows.next());
      }
      primary.insert(20, 3000);
      assertTrue(primary.capture().capture() > 0);
      long count = primary.capture().checkpoints().count();
      assertTrue(count > 0, "there was none");
      for (int i = 0; i < 3; i++) {
        primary.insert(1, 3000);
        assertTrue(primary.capture().capture() > 0);
      }
      assertEquals(count, primary.capture().checkpoints().count());
      primary.pass(11);
      long unused = primary.capture().capture();
      assertEquals(count + 1, primary.capture().checkpoints().count());
      reader.execute("ROLLBACK");
    }
    primary.cut();
    primary.requireCaptured();
  }

  @Test
  void databaseIsNotAtRestAfterACommitWhoseCheckpointFailed() throws SQLException, IOException {
    primary.kill();
    AtomicBoolean isFailing = new AtomicBoolean(true);
    primary.set(
        primary
            .settings()
            .withCheckpointPages(10)
            .withTime(() -> Instant.now().plusSeconds(60), primary.settings().nanoTime())
            .withSteps(
                step -> {
                  if (step == CaptureStep.CHECKPOINTED && isFailing.getAndSet(false)) {
                    throw new IllegalStateException("as told");
                  }
                }));
    primary.cut();
    primary.pass(5000);
    primary.insert(20, 3000);
    assertThrows(IllegalStateException.class, primary.capture()::capture);
    primary.pass(11);
    assertEquals(0, primary.capture().capture());
    assertEquals(Duration.ofMillis(50), primary.capture().pause());
    primary.pass(1000);
    assertEquals(0, primary.capture().capture());
    assertEquals(Duration.ofMillis(250), primary.capture().pause());
    primary.cut();
    primary.requireCaptured();
  }

  /** Its own reader at the WAL, and a descriptor for the lock of the spool. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void idleDatabaseHasFourDescriptors() throws SQLException, IOException {
    primary.insert(10, 3000);
    primary.cut();
    primary.endApplication();
    settle();
    assertTrue(descriptors().size() > 4);
    primary.pass(20_000);
    assertEquals(0, primary.capture().capture());
    assertEquals(4, descriptors().size(), () -> String.valueOf(descriptorsQuietly()));
    primary.stop();
    assertEquals(List.of(), descriptors());
    primary.cut();
    assertEquals(4, descriptors().size(), () -> String.valueOf(descriptorsQuietly()));
    primary.insert(10, 3000);
    primary.cut();
    primary.requireCaptured();
    assertEquals(0, primary.capture().repairs());
  }

  private List<String> descriptors() throws IOException {
    List<String> found = new ArrayList<>();
    try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path descriptor : open) {
        if (Files.isSymbolicLink(descriptor)) {
          String target = Files.readSymbolicLink(descriptor).toString();
          if (target.startsWith(folder.toString())) {
            found.add(target);
          }
        }
      }
    }
    return found;
  }

  private List<String> descriptorsQuietly() {
    try {
      return descriptors();
    } catch (IOException e) {
      return List.of(e.toString());
    }
  }

  /** In the gap of a trim somebody commits and checkpoints. */
  @Test
  void commitInTheGapOfATrimIsRepaired() throws SQLException, IOException {
    primary.kill();
    boolean[] isDone = {false};
    primary.set(
        primary
            .settings()
            .withSteps(
                step -> {
                  if (step == CaptureStep.TRIMMED) {
                    isDone[0] = true;
                    commitAndTruncate();
                  }
                }));
    primary.cut();
    settle();
    primary.pass(20_000);
    primary.capture().capture();
    assertTrue(isDone[0]);
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs());
  }

  private void commitAndTruncate() {
    try {
      primary.insert(10, 3000);
      assertEquals(0, primary.checkpoint("TRUNCATE"));
      primary.execute("UPDATE t SET value = 4 WHERE id = 4");
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** What comes while the WAL is copied is taken before, so that nobody waits for it. */
  @Test
  void littleIsLeftForTheMomentWithoutWriters() throws SQLException, IOException {
    primary.kill();
    List<Long> log = new ArrayList<>();
    primary.set(
        primary
            .settings()
            .withCheckpointPages(100)
            .withSteps(
                step -> {
                  if (step == CaptureStep.CHECKPOINTED) {
                    log.add(commitAndMeasure(10));
                  } else if (step == CaptureStep.BARRIER_BEGUN) {
                    log.add(commitAndMeasure(0));
                  }
                }));
    primary.cut();
    primary.insert(100, 3500);
    long frames = primary.capture().capture();
    assertTrue(frames > 110, () -> "only " + frames + " are said to be taken");
    assertEquals(2, log.size());
    long left = log.get(1) - log.get(0);
    assertTrue(left >= 10L * PAGE_SIZE, () -> "the log grew by " + left + " bytes before");
    primary.cut();
    primary.requireCaptured();
  }

  /** It keeps writers out while it waits for the reader: neither a commit comes nor a barrier. */
  @Test
  void whatWasTakenBeforeAMissedBarrierHindersNoCheckpoint() throws Exception {
    primary.kill();
    String url = "jdbc:sqlite:" + primary.database();
    AtomicBoolean isKeptOut = new AtomicBoolean();
    try (Connection other = DriverManager.getConnection(url);
        Connection waiting = DriverManager.getConnection(url);
        Statement writer = other.createStatement();
        Statement checkpoint = waiting.createStatement()) {
      writer.execute("PRAGMA busy_timeout=0");
      checkpoint.execute("PRAGMA busy_timeout=5000");
      primary.set(
          primary
              .settings()
              .withCheckpointPages(100)
              .withTime(InstantSource.system(), System::nanoTime)
              .withSteps(
                  step -> {
                    if (step == CaptureStep.CHECKPOINTED && !isKeptOut.getAndSet(true)) {
                      commitAndKeepOut(writer);
                    }
                  }));
      primary.cut();
      primary.insert(100, 3500);
      primary.capture().capture();
      assertEquals(1, primary.capture().checkpoints().barrierMisses());
      writer.execute("ROLLBACK");
      CompletableFuture<Integer> isRefused = CompletableFuture.supplyAsync(() -> full(checkpoint));
      while (isFree(writer) && !isRefused.isDone()) {
        Thread.onSpinWait();
      }
      while (!isRefused.isDone()) {
        primary.capture().capture();
      }
      assertEquals(0, isRefused.get(), "the reader does not go on");
    }
    primary.cut();
    primary.requireCaptured();
  }

  private void commitAndKeepOut(Statement writer) {
    try {
      primary.insert(10, 3500);
      writer.execute("BEGIN IMMEDIATE");
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private static int full(Statement checkpoint) {
    try (ResultSet answer = checkpoint.executeQuery("PRAGMA wal_checkpoint(FULL)")) {
      assertTrue(answer.next());
      return answer.getInt(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isFree(Statement writer) {
    try {
      writer.execute("BEGIN IMMEDIATE");
      writer.execute("ROLLBACK");
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  /** Returns how long the spool's log is after so many rows were committed. */
  private long commitAndMeasure(int rows) {
    try {
      if (rows > 0) {
        primary.insert(rows, 3500);
      }
      return primary.spool().logBytes();
    } catch (SQLException | IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void noWriterIsKeptOutForGood() throws SQLException, IOException {
    primary.kill();
    primary.set(primary.settings().withCheckpointPages(10));
    primary.execute("PRAGMA busy_timeout=0");
    for (int i = 0; i < 100; i++) {
      primary.insert(5, 3000);
      primary.capture().capture();
    }
    primary.execute("BEGIN IMMEDIATE");
    primary.set(primary.settings());
    primary.capture().capture(); // finds no moment without a writer
    primary.execute("INSERT INTO t(value) VALUES (1)", "COMMIT");
    primary.cut();
    primary.requireCaptured();
    assertFalse(primary.spool().files().isEmpty());
  }

  /** As SQLite answers while somebody changes the WAL's index. */
  @Test
  void lookWithoutAnAnswerIsNotTakenForAnEmptyWal() throws SQLException, IOException {
    primary.insert(10, 3000);
    primary.capture().capture();
    assertTrue(primary.capture().isCurrent());
    primary.insert(10, 3000);
    primary.execute("BEGIN IMMEDIATE");
    // Kept open: closing it would drop the locks that this process has on it.
    FileChannel index =
        FileChannel.open(
            Path.of(primary.database() + "-shm"),
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    ByteBuffer one = ByteBuffer.allocate(1);
    index.read(one, 8);
    ByteBuffer other = ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 1)});
    index.write(other, 8); // the two copies of the header differ
    assertEquals(0, primary.capture().capture());
    assertFalse(primary.capture().isCurrent(), "there is a commit that was not taken");
    assertTrue(primary.capture().isHeld());
    index.write(one.rewind(), 8);
    primary.execute("COMMIT");
    assertTrue(primary.capture().capture() > 0);
    assertTrue(primary.capture().isCurrent());
    primary.cut();
    primary.requireCaptured();
    assertEquals(1, primary.capture().repairs(), "but for the first image");
  }
}
