package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.capture.CaptureBuffers;
import dev.sluice.replicator.capture.CaptureException;
import dev.sluice.replicator.capture.CaptureSettings;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that is no database yet is looked at for a while. */
final class RefusalTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  @TempDir Path folder;

  private static void append(Path file) throws IOException {
    Files.write(file, new byte[1], StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** Returns what capturing a file of zeros, which this makes, fails with. */
  private CaptureException.NotADatabase notADatabase(Path file) throws IOException {
    Files.write(file, new byte[8192]);
    SpoolSetup setup = new SpoolSetup(InstantSource.system(), step -> {});
    try (Spool spool = Spool.begin(folder.resolve("spool"), Txid.NONE, 0, setup);
        DatabaseCapture capture =
            DatabaseCapture.begin(CaptureSettings.of(file), spool, new CaptureBuffers(1))) {
      return assertThrows(CaptureException.NotADatabase.class, capture::capture);
    }
  }

  @Test
  void fileThatStaysAsItIsIsNoDatabaseForGood() throws IOException {
    Path file = folder.resolve("a.db");
    CaptureException why = notADatabase(file);
    Refusal refusal = new Refusal(file);
    long now = -SECOND;
    assertFalse(refusal.isFinal(why, now));
    assertFalse(refusal.isFinal(why, now + SECOND));
    append(file);
    assertFalse(refusal.isFinal(why, now + 3 * SECOND));
    assertFalse(refusal.isFinal(why, now + 4 * SECOND));
    assertTrue(refusal.isFinal(why, now + 5 * SECOND));
  }

  @Test
  void fileThatNeverStaysAsItIsIsNoDatabaseInTheEnd() throws IOException {
    Path file = folder.resolve("a.db");
    CaptureException why = notADatabase(file);
    Refusal refusal = new Refusal(file);
    int seconds = 0;
    while (!refusal.isFinal(why, seconds * SECOND)) {
      append(file);
      seconds++;
      assertTrue(seconds <= 300);
    }
    assertEquals(300, seconds);
  }

  /** An application makes files in it all the time. */
  @Test
  void folderIsNoDatabaseAtOnce() throws IOException {
    CaptureException why = notADatabase(folder.resolve("a.db"));
    Path place = Files.createDirectory(folder.resolve("data"));
    assertTrue(new Refusal(place).isFinal(why, -SECOND));
  }

  /** The head comes last, as where a copy is made in place of a file of zeros. */
  @Test
  void databaseThatIsCopiedIntoItsPlaceIsReplicatedWhenItIsWhole() throws Exception {
    Path made = folder.resolve("made.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + made);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
    }
    byte[] bytes = Files.readAllBytes(made);
    Path database = Files.write(folder.resolve("a.db"), new byte[1]);
    Path replica = Files.createDirectory(folder.resolve("r"));
    try (Replicator replicator = Replicator.builder().start();
        FileChannel copy = FileChannel.open(database, StandardOpenOption.WRITE)) {
      ReplicatedDatabase replicated =
          replicator.add(database, ReplicaUrl.ofDirectory(replica.toString()));
      long sizes = 1;
      while (replicated.status().trouble().isEmpty()) {
        copy.write(ByteBuffer.allocate(1), sizes++ % bytes.length);
      }
      String trouble = replicated.status().trouble().orElseThrow();
      assertTrue(trouble.contains("not a SQLite database"), trouble);
      copy.write(ByteBuffer.wrap(bytes, 100, bytes.length - 100), 100);
      copy.write(ByteBuffer.wrap(bytes, 0, 100), 0);
      assertEquals(Txid.FIRST, replicated.syncAndWait(Duration.ofSeconds(30)));
    }
  }

  /** The rest comes after the first attempts. */
  @Test
  void databaseOfWhichOnlyHalfIsThereIsReplicatedWhenItIsWhole() throws Exception {
    Path made = folder.resolve("made.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + made);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
      statement.execute("INSERT INTO t VALUES(randomblob(100000))");
    }
    byte[] bytes = Files.readAllBytes(made);
    Path database = Files.write(folder.resolve("a.db"), Arrays.copyOf(bytes, bytes.length / 2));
    Path replica = Files.createDirectory(folder.resolve("r"));
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated =
          replicator.add(database, ReplicaUrl.ofDirectory(replica.toString()));
      while (replicated.status().trouble().isEmpty()) {
        Thread.onSpinWait();
      }
      Files.write(
          database,
          Arrays.copyOfRange(bytes, bytes.length / 2, bytes.length),
          StandardOpenOption.APPEND);
      assertEquals(Txid.FIRST, replicated.syncAndWait(Duration.ofSeconds(30)));
    }
  }
}
