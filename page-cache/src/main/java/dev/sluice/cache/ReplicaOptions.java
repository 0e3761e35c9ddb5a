package dev.sluice.cache;

import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How a replica is opened. Of all who open one replica the largest page cache, the largest bound of
 * rescued bytes and the smallest poll interval count. Immutable.
 *
 * @param url where it is
 * @param pageCacheBytes the bound of the page cache, above 0
 * @param readTimeout how long one open and one read may take, above 0
 * @param pollInterval how often at least the storage is asked for something new, above 0
 * @param rescueBytes the bound of the side file for pages that pinned views need and the storage is
 *     about to delete; 0 or more
 * @param cacheDirectory where side files and page stores go; made when the first is needed
 * @param store the page store; of all who open one replica the first one's counts
 */
public record ReplicaOptions(
    ReplicaUrl url,
    long pageCacheBytes,
    Duration readTimeout,
    Duration pollInterval,
    long rescueBytes,
    Path cacheDirectory,
    StoreOptions store) {

  /** What a replica's page cache holds if nobody says otherwise: 64 MB. */
  public static final long DEFAULT_PAGE_CACHE_BYTES = 64_000_000;

  public static final Duration DEFAULT_READ_TIMEOUT = Duration.ofSeconds(30);
  public static final Duration DEFAULT_POLL_INTERVAL = Duration.ofSeconds(1);

  /** 64 MiB. */
  public static final long DEFAULT_RESCUE_BYTES = 64L << 20;

  public ReplicaOptions {
    if (pageCacheBytes < 1) {
      throw new IllegalArgumentException("page cache size " + pageCacheBytes + " is not above 0");
    }
    if (rescueBytes < 0) {
      throw new IllegalArgumentException("rescue bytes " + rescueBytes + " are below 0");
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
        url,
        DEFAULT_PAGE_CACHE_BYTES,
        DEFAULT_READ_TIMEOUT,
        DEFAULT_POLL_INTERVAL,
        DEFAULT_RESCUE_BYTES,
        cacheDirectory(Environment.ofProcess()),
        StoreOptions.DEFAULT);
  }

  /** Returns {@code $XDG_CACHE_HOME/sluice}, without that variable {@code ~/.cache/sluice}. */
  public static Path cacheDirectory(Environment environment) {
    return environment
        .get("XDG_CACHE_HOME")
        .filter(home -> !home.isBlank())
        .map(Path::of)
        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
        .resolve("sluice");
  }

  /** Returns what tells the replica's page store from others': its name and a hash. */
  public String storeName() {
    return StoreName.of(url);
  }

  /** Returns the folder in which the replica's page store is, if it is on the disk. */
  public Path storeFolder() {
    return store
        .path()
        .map(pages -> pages.resolveSibling(pages.getFileName() + "-sluice"))
        .orElseGet(() -> cacheDirectory.resolve(StoreName.of(url)));
  }

  public ReplicaOptions withPageCacheBytes(long bytes) {
    return new ReplicaOptions(
        url, bytes, readTimeout, pollInterval, rescueBytes, cacheDirectory, store);
  }

  public ReplicaOptions withReadTimeout(Duration timeout) {
    return new ReplicaOptions(
        url, pageCacheBytes, timeout, pollInterval, rescueBytes, cacheDirectory, store);
  }

  public ReplicaOptions withPollInterval(Duration interval) {
    return new ReplicaOptions(
        url, pageCacheBytes, readTimeout, interval, rescueBytes, cacheDirectory, store);
  }

  public ReplicaOptions withRescueBytes(long bytes) {
    return new ReplicaOptions(
        url, pageCacheBytes, readTimeout, pollInterval, bytes, cacheDirectory, store);
  }

  public ReplicaOptions withCacheDirectory(Path directory) {
    return new ReplicaOptions(
        url, pageCacheBytes, readTimeout, pollInterval, rescueBytes, directory, store);
  }

  public ReplicaOptions withStore(StoreOptions other) {
    return new ReplicaOptions(
        url, pageCacheBytes, readTimeout, pollInterval, rescueBytes, cacheDirectory, other);
  }
}
