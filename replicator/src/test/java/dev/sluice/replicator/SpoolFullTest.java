package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The storage is away for longer than the spool has room. */
final class SpoolFullTest {
  private static final long SPOOL_BYTES_MAX = 1_000_000;

  /** Far more than a barrier takes, far less than an application's busy timeout. */
  private static final long COMMIT_NANOS_MAX = Duration.ofSeconds(2).toNanos();

  @TempDir Path folder;

  private final List<Long> commitNanos = new ArrayList<>();

  private void commit(ReplicatedWorld world) throws SQLException {
    long begunNanos = System.nanoTime();
    world.application.commitAnything();
    commitNanos.add(System.nanoTime() - begunNanos);
  }

  /** In one of them the machine may have had other work. */
  private void requireSwiftCommits() {
    commitNanos.sort(Comparator.reverseOrder());
    List<Long> longest = commitNanos.subList(0, 2);
    assertTrue(longest.get(1) < COMMIT_NANOS_MAX, () -> "commits took " + longest + " ns");
  }

  private static boolean isFull(ReplicatedDatabase replicated) {
    return replicated.status().trouble().orElse("").contains(": nothing is captured while ");
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      long bytes = 0;
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        boolean isCommits =
            file.toString().endsWith(".ltx")
                || String.valueOf(file.getFileName()).startsWith("log-");
        bytes += isCommits ? Files.size(file) : 0;
      }
      return bytes;
    }
  }

  @Test
  void applicationNoticesNothingAndAllIsThereWhenTheStorageIsBack(@Seeded("sluice.seed") Seed seed)
      throws Exception {
    try (ReplicatedWorld world = new ReplicatedWorld(folder, seed);
        ProxiedReplica replica = new ProxiedReplica();
        Replicator replicator = ProxiedReplica.replicators().start()) {
      DatabaseSettings settings =
          DatabaseSettings.of(world.database)
              .withSyncInterval(Duration.ofMillis(20))
              .withSpoolBytesMax(SPOOL_BYTES_MAX);
      ReplicatedDatabase replicated = replicator.add(settings, replica.url);
      replicated.syncAndWait(SURELY);
      long repairs = replicated.figures().repairs();
      replica.proxy.refuse();
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (!isFull(replicated)) {
        assertTrue(System.nanoTime() < endNanos, () -> replicated.status().toString());
        commit(world);
      }
      long captured = replicated.figures().capturedFrames();
      long missed = world.application.number();
      for (int i = 0; i < 200; i++) {
        commit(world);
      }
      requireSwiftCommits();
      assertTrue(isFull(replicated), () -> replicated.status().toString());
      assertEquals(captured, replicated.figures().capturedFrames());
      long held = bytes(settings.metaPath());
      assertTrue(held <= SPOOL_BYTES_MAX, () -> held + " bytes are in the spool");
      replica.proxy.heal();
      replicated.syncAndWait(SURELY);
      assertEquals(repairs + 1, replicated.figures().repairs());
      requireAll(world, replica, missed);
    }
  }

  private void requireAll(ReplicatedWorld world, ProxiedReplica replica, long missed)
      throws Exception {
    List<Txid> stored = replica.stored();
    assertEquals(LongStream.rangeClosed(1, stored.size()).mapToObj(Txid::new).toList(), stored);
    long last = 0;
    for (Txid txid : stored.subList(0, stored.size() - 1)) {
      Path copy = replica.restored(txid, folder);
      long number = world.application.requireCommitted(copy, "TXID " + txid);
      assertTrue(last <= number && number <= missed + 1, () -> txid + " holds " + number);
      last = number;
    }
    Path copy = replica.restored(stored.get(stored.size() - 1), folder);
    assertEquals(world.application.number(), world.application.requireCommitted(copy, "the last"));
    checkpoint(world);
    assertEquals(-1, Files.mismatch(world.database, copy), "pages of the primary");
  }

  /** One of ours that is under way keeps another from beginning. */
  private static void checkpoint(ReplicatedWorld world) throws SQLException {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + world.database);
        Statement statement = connection.createStatement()) {
      boolean isBusy = true;
      while (isBusy) {
        assertTrue(System.nanoTime() < endNanos, "the WAL cannot be checkpointed");
        try (ResultSet row = statement.executeQuery("PRAGMA wal_checkpoint(TRUNCATE)")) {
          isBusy = !row.next() || row.getInt(1) != 0;
        }
      }
    }
  }
}
