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
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** For how long the oldest commit is said to wait. */
final class LagTest {
  private static final Duration LONG = Duration.ofMillis(500);

  @TempDir Path folder;

  private static void await(ReplicatedDatabase replicated, BooleanSupplier isSo) {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (!isSo.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNanos, () -> replicated.status().toString());
      Thread.onSpinWait();
    }
  }

  private static Duration lag(ReplicatedDatabase replicated) {
    return replicated.status().lag();
  }

  /** From then on a cut is made only if somebody asks for it. */
  private static void spendTokens(ReplicatedWorld world, ReplicatedDatabase replicated)
      throws Exception {
    Txid image = replicated.syncAndWait(SURELY); // costs none
    for (Txid txid = image; !txid.isAfter(new Txid(60)); txid = replicated.syncAndWait(SURELY)) {
      world.application.commitAnything();
    }
  }

  /** Its next look finds another database, and what that differs by is the next cut. */
  private static void replace(ReplicatedWorld world, Path other) throws IOException {
    for (String suffix : new String[] {"-wal", "-shm"}) {
      Files.deleteIfExists(Path.of(world.database + suffix));
    }
    Files.move(other, world.database, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Returns whether what was cut is uploaded, and something else waits. */
  private static boolean isOnlyLog(DatabaseStatus status, Txid before) {
    boolean isUploaded = status.uploaded().equals(status.cut()) && status.cut().isAfter(before);
    return isUploaded && status.waitingBytes() > 0;
  }

  @Test
  void commitThatARepairCutsGoesOnWaitingAndTheNextOneIsYounger(@Seeded("sluice.seed") Seed seed)
      throws Exception {
    Path other = folder.resolve("other.db");
    try (NumberedApplication application = new NumberedApplication(other, seed.value() + 1)) {
      application.commit();
    }
    try (ReplicatedWorld world = new ReplicatedWorld(folder, seed);
        Replicator replicator = Replicator.builder().endLimit(Duration.ZERO).start()) {
      DatabaseSettings settings =
          DatabaseSettings.of(world.database).withSyncInterval(Duration.ofDays(1));
      ReplicatedDatabase replicated = replicator.add(settings, world.url);
      spendTokens(world, replicated);
      Txid uploaded = replicated.status().uploaded();
      FolderAway away = FolderAway.take(world.replica);
      world.application.commit();
      await(replicated, () -> lag(replicated).compareTo(LONG) > 0);
      assertEquals(uploaded, replicated.status().cut());
      world.application.close();
      Duration before = lag(replicated);
      replace(world, other);
      await(replicated, () -> replicated.status().cut().isAfter(uploaded));
      Duration after = lag(replicated);
      assertTrue(after.compareTo(before) >= 0, () -> after + ", after " + before);
      long begunNanos = System.nanoTime();
      try (NumberedApplication application = new NumberedApplication(world.database, 1)) {
        application.commit();
        away.bringBack();
        await(replicated, () -> isOnlyLog(replicated.status(), uploaded));
        Duration next = lag(replicated);
        Duration most = Duration.ofNanos(System.nanoTime() - begunNanos);
        assertTrue(next.compareTo(most) <= 0, () -> next + ", not " + most);
      }
    }
  }
}
