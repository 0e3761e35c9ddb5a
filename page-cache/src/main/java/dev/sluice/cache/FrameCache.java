package dev.sluice.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Pages of a replica by their frame, and the heads and indexes of its files, all bounded together
 * in bytes.
 *
 * <p>A key never changes its meaning ({@link FileTable}), so nothing is ever invalidated. Pages are
 * kept as they are uncompressed: a hit is one copy. Arrays that come out are shared: nobody writes
 * to them. Thread-safe.
 */
final class FrameCache {

  /** What an entry costs beside its bytes: the array's header, the key and the cache's node. */
  static final int ENTRY_OVERHEAD_BYTES = 16 + 24 + 80;

  // A key: the number of the file, and where in it the frame starts, or what else of the file it
  // is.
  //
  //   63         40 39              0
  //  +-------------+-----------------+
  //  | file number | offset          |
  //  +-------------+-----------------+
  private static final int OFFSET_BITS = 40;
  private static final long SUMMARY = (1L << OFFSET_BITS) - 1;

  private final Cache<Long, byte[]> entries;
  private final ConcurrentHashMap<Long, CompletableFuture<byte[]>> fetches =
      new ConcurrentHashMap<>();

  FrameCache(long maximumBytes) {
    entries =
        Caffeine.newBuilder()
            .maximumWeight(maximumBytes)
            .<Long, byte[]>weigher((key, bytes) -> bytes.length + ENTRY_OVERHEAD_BYTES)
            .executor(Runnable::run)
            .build();
  }

  /** Returns the key of the frame that starts at {@code offset}. */
  static long frameKey(int file, long offset) {
    return ((long) file << OFFSET_BITS) | offset;
  }

  /** Returns the key of a file's header and page index. */
  static long summaryKey(int file) {
    return frameKey(file, SUMMARY);
  }

  Optional<byte[]> find(long key) {
    return Optional.ofNullable(entries.getIfPresent(key));
  }

  void put(long key, byte[] bytes) {
    entries.put(key, bytes);
  }

  /**
   * Returns what {@code fetch} brings, or what another caller's fetch of the same key brings. It
   * goes on when callers stop waiting: to stop waiting is to leave the future alone, never to
   * cancel it. A failure is not kept.
   */
  @SuppressWarnings("FutureReturnValueIgnored") // what follows a fetch does not throw
  CompletableFuture<byte[]> get(long key, Supplier<CompletableFuture<byte[]>> fetch) {
    byte[] found = entries.getIfPresent(key);
    if (found != null) {
      return CompletableFuture.completedFuture(found);
    }
    CompletableFuture<byte[]> promise = new CompletableFuture<>();
    CompletableFuture<byte[]> other = fetches.putIfAbsent(key, promise);
    if (other != null) {
      return other;
    }
    // A fetch that ended between the two looks has left its bytes.
    byte[] arrived = entries.getIfPresent(key);
    if (arrived != null) {
      fetches.remove(key, promise);
      promise.complete(arrived);
      return promise;
    }
    try {
      fetch.get().whenComplete((bytes, failure) -> finish(key, promise, bytes, failure));
    } catch (RuntimeException | Error e) {
      fetches.remove(key, promise);
      promise.completeExceptionally(e);
      throw e;
    }
    return promise;
  }

  private void finish(
      long key, CompletableFuture<byte[]> promise, byte[] bytes, Throwable failure) {
    if (failure == null) {
      entries.put(key, bytes);
    }
    fetches.remove(key, promise);
    if (failure == null) {
      promise.complete(bytes);
    } else {
      Throwable cause = failure.getCause();
      promise.completeExceptionally(
          failure instanceof CompletionException && cause != null ? cause : failure);
    }
  }

  /** Makes the bound larger; a smaller one changes nothing. */
  void raiseMaximum(long bytes) {
    entries
        .policy()
        .eviction()
        .ifPresent(
            eviction -> {
              synchronized (this) {
                eviction.setMaximum(Math.max(eviction.getMaximum(), bytes));
              }
            });
  }

  long maximumBytes() {
    return entries.policy().eviction().orElseThrow().getMaximum();
  }

  /** Returns the bytes that are kept now, with what each entry costs beside. */
  long weightedBytes() {
    entries.cleanUp();
    return entries.policy().eviction().orElseThrow().weightedSize().orElse(0);
  }
}
