package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever is killed and whenever: each TXID that a replica has ever shown is a state that the
 * application has committed, and what was said to be stored is.
 *
 * <p>{@code -Dsluice.soak.seconds} makes it longer, {@code -Dsluice.soak.seed} begins with the same
 * episode. {@code -Dsluice.soak.txids=10000} instead of seconds is the storm of restarts, on one
 * small database. {@code -Dsluice.soak.litestream=PATH} has the real Litestream do it.
 */
class ReplicationSoakTest {
  private static final int SECONDS = Integer.getInteger("sluice.soak.seconds", 60);
  private static final int EPISODE_SECONDS = Integer.getInteger("sluice.soak.episode", 20);
  private static final Optional<Long> TXIDS =
      Optional.ofNullable(Long.getLong("sluice.soak.txids"));
  private static final String LITESTREAM = System.getProperty("sluice.soak.litestream", "");
  private static final List<Integer> PAGE_SIZES =
      List.of(512, 1024, 2048, 4096, 4096, 8192, 16384, 32768, 65536);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  private int acknowledged;
  private final Map<String, Integer> busy = Busy.none();

  @Test
  void everyTxidIsACommittedState(@Seeded("sluice.soak.seed") Seed seed) throws Exception {
    if (TXIDS.isPresent()) {
      live(seed.value(), storm(seed.value()));
    }
    long endNanos = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
    for (; TXIDS.isEmpty() && System.nanoTime() < endNanos; seed.next()) {
      long left = Duration.ofNanos(endNanos - System.nanoTime()).toSeconds() + 1;
      live(seed.value(), episode(seed.value(), Math.min(left, EPISODE_SECONDS)));
    }
    System.out.println("ReplicationSoakTest: " + acknowledged + " syncs acknowledged, " + busy);
    boolean isLong = SECONDS >= 3 * EPISODE_SECONDS; // one episode may be without
    assertTrue(acknowledged > 0 || !isLong || !LITESTREAM.isEmpty(), "no sync was acknowledged");
    Busy.requireCheckpoints(busy);
  }

  private Episode.Settings episode(long seed, long seconds) throws Exception {
    Random random = new Random(seed);
    int pauseMicros = List.of(0, 1000, 1000, 10_000).get(random.nextInt(4));
    return new Episode.Settings(
        new Application.Settings(
            database(seed),
            folder.resolve("journal-" + seed),
            seed,
            PAGE_SIZES.get(random.nextInt(PAGE_SIZES.size())),
            random.nextInt(3),
            pauseMicros,
            3),
        Duration.ofSeconds(seconds),
        Long.MAX_VALUE,
        1000 + random.nextInt(3000));
  }

  private Episode.Settings storm(long seed) throws Exception {
    return new Episode.Settings(
        new Application.Settings(
            database(seed), folder.resolve("journal-" + seed), seed, 1024, 0, 2000, 3),
        Duration.ofHours(24),
        TXIDS.orElseThrow(),
        2200);
  }

  private Path database(long seed) throws Exception {
    return Files.createDirectory(folder.resolve("episode-" + seed)).resolve("app.db");
  }

  private void live(long seed, Episode.Settings settings) throws Exception {
    System.out.println("ReplicationSoakTest " + settings);
    Path home = Files.createDirectory(folder.resolve("run-" + seed));
    boolean isBucket = TXIDS.isEmpty() && LITESTREAM.isEmpty() && seed % 2 == 0;
    Path database = settings.application().database();
    String retention = TXIDS.isPresent() || seed % 3 == 0 ? "keep" : "delete";
    try (Storage storage =
        isBucket ? Storage.bucket() : Storage.directory(home.resolve("replica"))) {
      Daemon daemon =
          LITESTREAM.isEmpty()
              ? Daemon.engine(database, storage, retention, List.of())
              : Daemon.litestream(LITESTREAM, database, home.resolve("replica"), home);
      try (Episode episode = new Episode(settings, storage, daemon, home)) {
        System.out.println(episode.run());
        assertEquals(List.of(), episode.faults(), "kept in " + home);
        acknowledged += episode.acknowledgedCount();
        episode.busy().forEach((what, count) -> busy.merge(what, count, Integer::sum));
      }
    }
  }
}
