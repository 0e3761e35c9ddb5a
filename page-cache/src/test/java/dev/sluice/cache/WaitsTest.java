package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WaitsTest {
  private final CompletableFuture<String> future = new CompletableFuture<>();
  private final AtomicInteger asks = new AtomicInteger();

  /** As where all threads stood still while the deadline passed. */
  private static Deadline passed() {
    return Deadline.after(Duration.ofNanos(1), System::nanoTime);
  }

  @Test
  void whatComesSoonAfterTheDeadlineIsTaken() throws IOException {
    String value =
        Waits.await(
            future,
            passed(),
            () -> {
              if (asks.incrementAndGet() == 3) {
                future.complete("late");
              }
              return false;
            },
            "read");
    assertEquals("late", value);
  }

  @Test
  void whatDoesNotComeIsGivenUp() {
    ReplicaException.Unavailable failure =
        assertThrows(
            ReplicaException.Unavailable.class,
            () -> Waits.await(future, passed(), () -> asks.incrementAndGet() > 1000, "read"));
    assertEquals("read: no answer until the deadline", failure.getMessage());
    assertEquals(6, asks.get());
  }
}
