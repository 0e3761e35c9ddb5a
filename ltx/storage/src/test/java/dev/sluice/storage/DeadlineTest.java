package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DeadlineTest {

  @Test
  void remainingCountsDownToZero() {
    AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // the scale may wrap
    Deadline deadline = Deadline.after(Duration.ofNanos(100), now::get);
    assertEquals(Duration.ofNanos(100), deadline.remaining());
    now.addAndGet(99);
    assertFalse(deadline.hasPassed());
    now.addAndGet(1);
    assertTrue(deadline.hasPassed());
    now.addAndGet(1000);
    assertEquals(Duration.ZERO, deadline.remaining());
  }

  @Test
  void aVeryLongWaitDoesNotOverflow() {
    Deadline deadline = Deadline.after(Duration.ofSeconds(Long.MAX_VALUE), () -> 7);
    assertFalse(deadline.hasPassed());
  }
}
