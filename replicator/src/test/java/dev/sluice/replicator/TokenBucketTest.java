package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class TokenBucketTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final int BURST = 60;

  /** Near the end of its range, as {@link System#nanoTime} may be. */
  private static final long START = Long.MAX_VALUE - 5 * SECOND;

  private final TokenBucket bucket = new TokenBucket(Duration.ofSeconds(1), BURST, START);

  private int takeAll(long nowNanos) {
    int taken = 0;
    while (bucket.take(nowNanos)) {
      taken++;
    }
    return taken;
  }

  @Test
  void beginsWithABurstAndThenGivesOneAnInterval() {
    assertEquals(BURST, takeAll(START));
    assertEquals(SECOND, bucket.waitNanos(START));
    assertFalse(bucket.take(START + SECOND - 1));
    assertTrue(bucket.take(START + SECOND));
    assertEquals(10, takeAll(START + 11 * SECOND));
  }

  @Test
  void neverKeepsMoreThanABurst() {
    assertEquals(BURST, takeAll(START + 3600 * SECOND));
  }

  @Test
  void inTheLongRunThereIsOneAnInterval(@Seeded("sluice.seed") Seed seed) {
    Random random = seed.random();
    long now = START;
    int taken = 0;
    while (now - START < 10_000 * SECOND) {
      now += random.nextLong(2 * SECOND);
      taken += bucket.take(now) ? 1 : 0;
      taken += bucket.take(now) ? 1 : 0;
    }
    assertTrue(taken <= BURST + (now - START) / SECOND, taken + " tokens");
    assertTrue(taken >= (now - START) / SECOND * 9 / 10, taken + " tokens");
  }

  @Test
  void withoutAnIntervalThereIsAlwaysOne() {
    TokenBucket free = new TokenBucket(Duration.ZERO, BURST, START);
    for (int i = 0; i < 10 * BURST; i++) {
      assertTrue(free.take(START));
    }
  }
}
