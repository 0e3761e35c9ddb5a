package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that read a growing replica and are killed at any moment: whoever opens the page store
 * next reads every page as it is at its TXID.
 *
 * <p>{@code -Dsluice.soak.rounds} makes it longer.
 */
class StoreKillTest {
  private static final int ROUNDS = Integer.getInteger("sluice.soak.rounds", 20);
  private static final int ROWS = 8000;
  private static final int MILLIS_MAX = 600;

  @TempDir Path folder;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @Test
  void everyPageIsRightAfterwards(@Seeded("sluice.seed") Seed seed) throws Exception {
    Random random = seed.random();
    long found = 0;
    try (ReplicaWatch watch = new ReplicaWatch();
        ImagedPrimary primary = new ImagedPrimary(folder, 1024, ROWS, random)) {
      for (int round = 0; round < ROUNDS; round++) {
        String url = url(primary, random);
        killedAtRandom(primary, url, random);
        if (random.nextInt(4) > 0) {
          found += found(primary, url, watch);
        }
      }
    }
    assertTrue(found > 0, "nothing came from a store");
  }

  /** With room for an eighth of the pages, or hydrated, at a rate at which that takes seconds. */
  private String url(ImagedPrimary primary, Random random) {
    boolean isSmall = random.nextInt(3) == 0;
    return Urls.jdbc(
        primary.url(),
        "poll_interval=5ms",
        "page_cache_size=1",
        "cache_dir=" + folder.resolve("cache"),
        isSmall ? "store_size=512KiB" : "store_size=1GiB",
        "hydration_enabled=" + (!isSmall && random.nextInt(3) > 0),
        "hydration_rate=" + (random.nextBoolean() ? "2MB" : "100MB"));
  }

  private void killedAtRandom(ImagedPrimary primary, String url, Random random) throws Exception {
    Process child =
        ChildProgram.start(folder, StoreProgram.class, url, ROWS + "", random.nextLong() + "");
    try (BufferedReader output = child.inputReader(StandardCharsets.UTF_8)) {
      assertEquals("open", output.readLine());
      long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(random.nextInt(MILLIS_MAX));
      while (System.nanoTime() - end < 0 && child.isAlive()) {
        primary.commit();
      }
      child.toHandle().destroyForcibly();
      assertEquals("", String.join("\n", output.lines().toList()));
      assertEquals(137, child.waitFor(), "it was killed");
    } finally {
      child.destroyForcibly();
    }
  }

  /** Reads every page, and returns how many were not asked for. */
  private static long found(ImagedPrimary primary, String url, ReplicaWatch watch)
      throws Exception {
    try (Connection connection = DriverManager.getConnection(url)) {
      DatabaseContents.value(connection, "SELECT litestream_txid()");
      long before = watch.gets();
      assertEquals(primary.txid(), primary.requireImage(connection));
      return Math.max(0, primary.pageCount() - (watch.gets() - before));
    } finally {
      watch.awaitClosed();
    }
  }
}
