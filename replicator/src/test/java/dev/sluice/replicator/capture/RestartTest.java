package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Restarts of our process, by stop and by kill, beside an application that writes, checkpoints,
 * vacuums, comes and goes: each TXID is the database as it was when it was cut.
 */
final class RestartTest {
  private static final int STEPS = Integer.getInteger("sluice.restart.steps", 400);
  private static final int[] PAGE_SIZES = {512, 1024, 4096, 65_536};

  @TempDir Path folder;

  @Test
  void eachTxidIsTheDatabaseWhateverHappensBetween(@Seeded("sluice.seed") Seed seed)
      throws SQLException, IOException {
    Random random = seed.random();
    Map<Txid, byte[]> images = new TreeMap<>();
    try (Primary primary = new Primary(folder)) {
      primary.create(PAGE_SIZES[random.nextInt(PAGE_SIZES.length)]);
      primary.set(primary.settings().withCheckpointPages(1 + random.nextInt(60)));
      for (int i = 0; i < STEPS; i++) {
        step(primary, random);
        if (random.nextInt(3) == 0) {
          Txid txid = primary.cut();
          if (primary.capture().isCurrent()) {
            images.putIfAbsent(txid, primary.image());
            assertArrayEquals(primary.image(), images.get(txid), "TXID " + txid);
          }
        }
      }
      assertTrue(images.size() > STEPS / 10, () -> "only " + images.size() + " TXIDs");
      for (var image : images.entrySet()) {
        assertArrayEquals(image.getValue(), primary.restored(image.getKey()), "" + image.getKey());
      }
    }
  }

  private static void step(Primary primary, Random random) throws SQLException, IOException {
    primary.pass(random.nextInt(1500));
    switch (random.nextInt(16)) {
      case 0 -> primary.stop();
      case 1 -> primary.kill();
      case 2 -> primary.checkpoint("PASSIVE");
      case 3 -> primary.checkpoint("RESTART");
      case 4 -> primary.checkpoint("TRUNCATE");
      case 5 -> primary.endApplication();
      case 6 -> primary.execute("DELETE FROM t WHERE id % 5 = " + random.nextInt(5));
      case 7 -> vacuum(primary, random);
      case 8, 9 -> primary.capture().capture();
      case 10 -> primary.execute("BEGIN", "UPDATE t SET value = 'x'", "ROLLBACK");
      default -> primary.insert(1 + random.nextInt(20), random.nextInt(3000));
    }
  }

  private static void vacuum(Primary primary, Random random) throws SQLException {
    if (random.nextInt(4) == 0) {
      primary.execute("VACUUM");
    }
  }
}
