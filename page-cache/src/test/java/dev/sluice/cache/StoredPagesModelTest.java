package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fill against publish, call by call: random orders of pages that are fetched and stored, views
 * that are published, pages that are cleared, evicted and recovered, against a model that knows
 * every version.
 *
 * <p>{@code -Dsluice.model.schedules=N} orders instead of 100,000; {@code -Dsluice.model.seed=S}
 * begins with the one of that seed, which a failure names.
 */
class StoredPagesModelTest {
  private static final int SCHEDULES = Integer.getInteger("sluice.model.schedules", 100_000);
  private static final int STEPS = 12;

  @TempDir Path dir;

  @Test
  void whatIsStoredIsOfTheNewestViewWhateverTheOrder(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    StoredEpisode.Folder folder = new StoredEpisode.Folder(dir.resolve("store"));
    for (int i = 0; i < SCHEDULES; i++) {
      new StoredEpisode(folder, new SplittableRandom(seed.value())).run(STEPS);
      seed.next();
    }
    folder.store.close();
    folder.readers.close();
    System.out.println("StoredPagesModelTest " + folder.counts);
    StoredEpisode.Counts counts = folder.counts;
    if (SCHEDULES >= 1000) {
      assertTrue(counts.fills > SCHEDULES / 3 && counts.refusals > SCHEDULES / 10, "fills");
      assertTrue(counts.hits > SCHEDULES / 20 && counts.misses > SCHEDULES / 10, "reads");
      assertTrue(counts.recoveries > 0 && counts.views > SCHEDULES / 3, "views");
    }
  }
}
