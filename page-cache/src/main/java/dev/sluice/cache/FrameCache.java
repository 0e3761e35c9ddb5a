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

  private static final long SUMMARY = -1;

  /**
   * What bytes these are: of the file of this number in {@link FileTable}, the page in the frame at
   * {@code offset}, or something else of the file where the offset is below 0. An object of its
   * own, because file number and offset together are wider than a long.
   */
  record Key(int file, long offset) {}

  private final Cache<Key, byte[]> entries;
  private final ConcurrentHashMap<Key, CompletableFuture<byte[]>> fetches =
      new ConcurrentHashMap<>();

  FrameCache(long maximumBytes) {
    entries =
        Caffeine.newBuilder()
            .maximumWeight(maximumBytes)
            .<Key, byte[]>weigher((key, bytes) -> bytes.length + ENTRY_OVERHEAD_BYTES)
            .executor(Runnable::run)
            .build();
  }

  /** Returns the key of the frame that starts at {@code offset}. */
  static Key frameKey(int file, long offset) {
    return new Key(file, offset);
  }

  /** Returns the key of a file's header and page index. */
  static Key summaryKey(int file) {
    return new Key(file, SUMMARY);
  }

  Optional<byte[]> find(Key key) {
    return Optional.ofNullable(entries.getIfPresent(key));
  }

  void put(Key key, byte[] bytes) {
    entries.put(key, bytes);
  }

  /**
   * Returns what {@code fetch} brings, or what another caller's fetch of the same key brings. It
   * goes on when callers stop waiting: to stop waiting is to leave the future alone, never to
   * cancel it. A failure is not kept.
   */
  @SuppressWarnings("FutureReturnValueIgnored") // what follows a fetch does not throw
  CompletableFuture<byte[]> get(Key key, Supplier<CompletableFuture<byte[]>> fetch) {
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

  private void finish(Key key, CompletableFuture<byte[]> promise, byte[] bytes, Throwable failure) {
    try {
      if (failure == null) {
        entries.put(key, bytes);
      }
    } finally {
      fetches.remove(key, promise);
    }
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
