package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ReplicaException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FrameCacheTest {

  @Test
  void missesOfOneFrameShareOneFetch() {
    FrameCache cache = new FrameCache(1 << 20);
    CompletableFuture<byte[]> fetch = new CompletableFuture<>();
    AtomicInteger fetches = new AtomicInteger();
    FrameCache.Key key = FrameCache.frameKey(3, 100);
    CompletableFuture<byte[]> first = cache.get(key, () -> counted(fetches, fetch));
    CompletableFuture<byte[]> second = cache.get(key, () -> counted(fetches, fetch));
    assertEquals(1, fetches.get());
    byte[] page = new byte[512];
    fetch.complete(page);
    assertSame(page, first.join());
    assertSame(page, second.join());
    assertSame(page, cache.find(key).orElseThrow());
    assertEquals(Optional.empty(), cache.find(FrameCache.frameKey(4, 100)));
    assertEquals(Optional.empty(), cache.find(FrameCache.summaryKey(3)));
  }

  private static CompletableFuture<byte[]> counted(
      AtomicInteger count, CompletableFuture<byte[]> fetch) {
    count.incrementAndGet();
    return fetch;
  }

  @Test
  void aFailedFetchIsNotKept() {
    FrameCache cache = new FrameCache(1 << 20);
    FrameCache.Key key = FrameCache.frameKey(0, 1);
    CompletableFuture<byte[]> failed =
        cache.get(
            key, () -> CompletableFuture.failedFuture(new ReplicaException.Unavailable("down")));
    assertTrue(failed.isCompletedExceptionally());
    byte[] page = new byte[512];
    assertSame(page, cache.get(key, () -> CompletableFuture.completedFuture(page)).join());
  }

  @Test
  void theBoundCountsBytesAndOverheadAndCanBeRaised() {
    int entryBytes = 4096 + FrameCache.ENTRY_OVERHEAD_BYTES;
    FrameCache cache = new FrameCache(10L * entryBytes);
    fill(cache);
    assertTrue(cache.weightedBytes() <= 10L * entryBytes, cache.weightedBytes() + " bytes");
    assertTrue(cache.weightedBytes() > 8L * entryBytes, cache.weightedBytes() + " bytes");
    cache.raiseMaximum(50L * entryBytes);
    cache.raiseMaximum(20L * entryBytes);
    assertEquals(50L * entryBytes, cache.maximumBytes());
    fill(cache);
    assertTrue(cache.weightedBytes() > 45L * entryBytes, cache.weightedBytes() + " bytes");
    assertFalse(cache.weightedBytes() > 50L * entryBytes, cache.weightedBytes() + " bytes");
  }

  private static void fill(FrameCache cache) {
    for (int i = 0; i < 200; i++) {
      cache.put(FrameCache.frameKey(i, 100), new byte[4096]);
    }
  }

  @Test
  void filesBeyondTwentyFourBitsHaveKeysOfTheirOwn() {
    FrameCache cache = new FrameCache(1 << 20);
    byte[] first = new byte[512];
    byte[] second = new byte[512];
    cache.put(FrameCache.frameKey(3, 100), first);
    cache.put(FrameCache.frameKey(3 + (1 << 24), 100), second);
    assertSame(first, cache.find(FrameCache.frameKey(3, 100)).orElseThrow());
    assertSame(second, cache.find(FrameCache.frameKey(3 + (1 << 24), 100)).orElseThrow());
  }
}
