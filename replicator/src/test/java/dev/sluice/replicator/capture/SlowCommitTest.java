package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Commits whose frames are all in the WAL for a long time before the index says so, as their writer
 * waits for a slow disk: no file is written to in the moment at which they count. Here the index is
 * set back to what it was before, and then to what it was after.
 */
@EnabledOnOs(OS.LINUX)
final class SlowCommitTest {
  /** Two copies of what says how far the WAL goes. */
  private static final int INDEX_HEADER_BYTES = 96;

  @TempDir Path folder;

  private Primary primary;

  @BeforeEach
  void create() throws SQLException {
    primary = new Primary(folder);
    primary.create(4096);
    primary.insert(10, 3000);
    // All that was written was written long ago.
    primary.set(
        primary
            .settings()
            .withTime(
                () -> Instant.now().plus(Duration.ofHours(1)), primary.settings().nanoTime()));
  }

  @AfterEach
  void close() throws SQLException, IOException {
    primary.close();
  }

  @Test
  void commitInANewGenerationIsNotTakenForQuiet() throws Exception {
    assertEquals(Txid.FIRST, primary.cut());
    becomeQuiet();
    commitSlowly();
    assertEquals(new Txid(2), primary.cut());
    assertEquals(1, primary.capture().repairs(), "the image");
    primary.requireCaptured();
  }

  @Test
  void commitBehindOthersIsNotTakenForQuiet() throws Exception {
    try (Connection reader = DriverManager.getConnection("jdbc:sqlite:" + primary.database());
        Statement statement = reader.createStatement()) {
      statement.execute("BEGIN");
      statement.executeQuery("SELECT count(*) FROM t").close();
      primary.insert(1, 10);
      assertEquals(Txid.FIRST, primary.cut());
      becomeQuiet();
      commitSlowly();
      assertEquals(new Txid(2), primary.cut());
      assertEquals(1, primary.capture().repairs(), "the image");
      primary.requireCaptured();
    }
  }

  /** As a rollback leaves its frames where they are, it is looked at for as long as they are. */
  @Test
  void rolledBackTransactionKeepsNothingFromBeingCaptured() throws Exception {
    assertEquals(Txid.FIRST, primary.cut());
    spill();
    primary.execute("ROLLBACK");
    becomeQuiet();
    primary.insert(1, 10);
    assertEquals(new Txid(2), primary.cut());
    primary.requireCaptured();
  }

  private void becomeQuiet() throws IOException {
    for (int i = 0; i < 5; i++) {
      primary.pass(1_100);
      assertEquals(0, primary.capture().capture());
      assertTrue(primary.capture().isCurrent());
    }
  }

  private void spill() throws SQLException {
    primary.execute("PRAGMA cache_size=5", "BEGIN");
    primary.insert(50, 3000);
    assertTrue(primary.wal().toFile().length() > 0);
  }

  private void commitSlowly() throws Exception {
    spill();
    byte[] before = indexHeader();
    primary.execute("COMMIT");
    byte[] after = indexHeader();
    write(before);
    becomeQuiet();
    write(after);
  }

  private Path index() {
    return Path.of(primary.database() + "-shm");
  }

  private byte[] indexHeader() throws Exception {
    Path copy = folder.resolve("copied");
    copy(index(), copy);
    return Files.readAllBytes(copy);
  }

  private void write(byte[] header) throws Exception {
    Path copy = folder.resolve("copied");
    Files.write(copy, header);
    copy(copy, index());
  }

  /** By another process: whoever closes this file loses the locks of its own. */
  private static void copy(Path from, Path to) throws Exception {
    Process copying =
        new ProcessBuilder(
                "dd",
                "if=" + from,
                "of=" + to,
                "bs=" + INDEX_HEADER_BYTES,
                "count=1",
                "conv=notrunc")
            .redirectErrorStream(true)
            .start();
    assertTrue(copying.waitFor(30, TimeUnit.SECONDS));
    assertEquals(0, copying.exitValue());
  }
}
