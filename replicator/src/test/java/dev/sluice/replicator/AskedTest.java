package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class AskedTest {
  private final Asked<String> asked = new Asked<>();

  @Test
  void allWhoWaitAreTakenOnceButForThoseWhoHaveGivenUp() {
    CompletableFuture<String> first = asked.add();
    CompletableFuture<String> second = asked.add();
    first.cancel(false);
    assertEquals(List.of(second), asked.take());
    assertEquals(List.of(), asked.take());
    CompletableFuture<String> third = new CompletableFuture<>();
    third.cancel(false);
    asked.addAgain(List.of(second, third));
    assertEquals(List.of(second), asked.take());
  }

  @Test
  void whoHasGivenUpIsNotKeptThoughNobodyTakes() {
    CompletableFuture<String> waits = asked.add();
    WeakReference<CompletableFuture<String>> givenUp = new WeakReference<>(asked.add());
    giveUp(givenUp);
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (givenUp.get() != null) {
      assertTrue(System.nanoTime() < endNanos, "it is kept");
      System.gc();
    }
    assertEquals(List.of(waits), asked.take());
  }

  private static void giveUp(WeakReference<CompletableFuture<String>> waiting) {
    CompletableFuture<String> future = waiting.get();
    if (future != null) {
      future.cancel(false);
    }
  }

  @Test
  void whoComesAfterTheEndFails() {
    CompletableFuture<String> before = asked.add();
    CompletableFuture<String> taken = asked.add();
    List<CompletableFuture<String>> all = asked.take();
    asked.addAgain(List.of(before));
    IOException why = new IOException("it is over");
    asked.end(why);
    assertFalse(taken.isDone());
    asked.addAgain(all);
    for (CompletableFuture<String> each : List.of(before, taken, asked.add())) {
      assertSame(
          why,
          assertThrows(ExecutionException.class, () -> each.get(30, TimeUnit.SECONDS)).getCause());
    }
  }
}
