package dev.sluice.cache;

import dev.sluice.storage.ReplicaUrl;
import java.time.Duration;

/**
 * How a replica is opened. Immutable.
 *
 * @param url where it is
 * @param pageCacheBytes the bound of the page cache, above 0; of all who open one replica the
 *     largest counts
 * @param readTimeout how long one open and one read may take, above 0
 * @param pollInterval how often at least the storage is asked for something new, above 0. Not used
 *     yet: nothing follows a replica so far, so the latest view stays as it was opened
 */
public record ReplicaOptions(
    ReplicaUrl url, long pageCacheBytes, Duration readTimeout, Duration pollInterval) {

  /** What a replica's page cache holds if nobody says otherwise: 64 MB. */
  public static final long DEFAULT_PAGE_CACHE_BYTES = 64_000_000;

  public static final Duration DEFAULT_READ_TIMEOUT = Duration.ofSeconds(30);
  public static final Duration DEFAULT_POLL_INTERVAL = Duration.ofSeconds(1);

  public ReplicaOptions {
    if (pageCacheBytes < 1) {
      throw new IllegalArgumentException("page cache size " + pageCacheBytes + " is not above 0");
    }
    requirePositive("read timeout", readTimeout);
    requirePositive("poll interval", pollInterval);
  }

  private static void requirePositive(String name, Duration duration) {
    if (duration.isZero() || duration.isNegative()) {
      throw new IllegalArgumentException(name + " " + duration + " is not above 0");
    }
  }

  /** Returns the options that hold if nobody says otherwise. */
  public static ReplicaOptions of(ReplicaUrl url) {
    return new ReplicaOptions(
        url, DEFAULT_PAGE_CACHE_BYTES, DEFAULT_READ_TIMEOUT, DEFAULT_POLL_INTERVAL);
  }
}
