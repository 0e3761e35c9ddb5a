package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.testkit.StoreEndExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the testkit waits for is what a store says that is being closed. */
class StoreEndTest {
  @TempDir Path dir;

  @Test
  void whoWaitsForTheEndOfStoresWaitsForOneThatIsLeaving() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    OwnerLock lock = OwnerLock.take(dir.resolve("owner"), Duration.ZERO).orElseThrow();
    try {
      StoreEndExtension.awaitEnd(); // not for one that is held
      lock.announceClose();
      CompletableFuture<Void> waiting = CompletableFuture.runAsync(StoreEndTest::await, thread);
      assertThrows(TimeoutException.class, () -> waiting.get(50, TimeUnit.MILLISECONDS));
      lock.close();
      waiting.get(10, TimeUnit.SECONDS);
    } finally {
      lock.close();
      thread.shutdownNow();
    }
  }

  private static void await() {
    try {
      StoreEndExtension.awaitEnd();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
