package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.replicator.spool.SpoolStep;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are kept for a compaction have no part in what may wait in the spool. */
final class KeptFilesTest {
  private static final int MB = 1_000_000;

  @TempDir Path folder;

  @Test
  void transactionThatHasRoomBesideWhatWaitsIsCapturedAndWhatIsKeptMakesRoom() throws Exception {
    Path database = folder.resolve("a.db");
    Path replica = Files.createDirectory(folder.resolve("r"));
    Duration never = Duration.ofDays(1);
    DatabaseSettings settings =
        DatabaseSettings.of(database)
            .withSpoolBytesMax(8 * MB)
            .withLevels(new LevelSettings(List.of(never), never, never, never, true));
    Path kept = settings.metaPath().resolve("ltx/0/0000000000000002-0000000000000002.ltx");
    AtomicBoolean isLarge = new AtomicBoolean();
    AtomicBoolean isGone = new AtomicBoolean();
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = application.createStatement();
        Replicator replicator =
            Replicator.builder()
                .steps(
                    step -> {
                      if (step == SpoolStep.CUT_CREATED && isLarge.get()) {
                        isGone.set(isGoneInTime(kept));
                      }
                    })
                .start()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
      ReplicatedDatabase replicated =
          replicator.add(settings, ReplicaUrl.ofDirectory(replica.toString()));
      assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      statement.execute("INSERT INTO t VALUES(randomblob(" + (MB + 800_000) + "))");
      assertEquals(new Txid(2), replicated.syncAndWait(SURELY));
      assertTrue(Files.exists(kept), "it is not kept");
      long repairs = replicated.figures().repairs();
      isLarge.set(true);
      statement.execute("INSERT INTO t VALUES(randomblob(" + 7 * MB + "))");
      assertEquals(new Txid(3), replicated.syncAndWait(Duration.ofSeconds(20)));
      assertEquals(Optional.empty(), replicated.status().trouble());
      assertEquals(repairs, replicated.figures().repairs());
      assertTrue(isGone.get(), "more is on the disk than may be");
    }
  }

  @Test
  void fileThatCannotBeDeletedIsNamedOnce() throws Exception {
    Path database = folder.resolve("a.db");
    Path replica = Files.createDirectory(folder.resolve("r"));
    Duration never = Duration.ofDays(1);
    DatabaseSettings settings =
        DatabaseSettings.of(database)
            .withSpoolBytesMax(4 * MB)
            .withLevels(new LevelSettings(List.of(never), never, never, never, true));
    Path cuts = settings.metaPath().resolve("ltx/0");
    String named = "delete " + cuts.resolve("0000000000000002-0000000000000002.ltx") + ", ";
    try (LoggedLines lines = new LoggedLines();
        Connection application = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = application.createStatement();
        Replicator replicator = Replicator.builder().start()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
      ReplicatedDatabase replicated =
          replicator.add(settings, ReplicaUrl.ofDirectory(replica.toString()));
      assertEquals(Txid.FIRST, replicated.syncAndWait(SURELY));
      Path inTheWay = settings.metaPath().resolve("kept-0000000000000002/file");
      Files.createDirectories(inTheWay);
      for (long txid = 2; txid <= 6; txid++) {
        statement.execute("INSERT INTO t VALUES(randomblob(" + 800_000 + "))");
        assertEquals(new Txid(txid), replicated.syncAndWait(SURELY));
      }
      Path third = cuts.resolve("0000000000000003-0000000000000003.ltx");
      assertTrue(isGoneInTime(third), "no other file is deleted");
      List<String> said = lines.all().stream().filter(line -> line.contains(named)).toList();
      assertEquals(1, said.size(), () -> lines.all().toString());
      assertTrue(said.get(0).startsWith("WARN "), () -> said.toString());
      assertEquals(Optional.empty(), replicated.status().trouble());
    }
  }

  private static boolean isGoneInTime(Path file) {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (Files.exists(file) && System.nanoTime() < endNanos) {
      Thread.onSpinWait();
    }
    return !Files.exists(file);
  }
}
