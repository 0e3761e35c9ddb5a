package dev.sluice.cache;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Whether a replica has a page store, where, how large, and whether it is filled without being
 * asked. Immutable.
 *
 * @param bytesMax the most bytes that its pages may take, above 0
 * @param isHydrated whether it is filled in the background until the whole database is there
 * @param hydrationBytesPerSecond what that takes at most of the network, above 0
 * @param path the file of the pages; empty: one in the cache directory. Only for {@link Place#DISK}
 * @param reading how readers in C come by its pages
 */
public record StoreOptions(
    Place place,
    long bytesMax,
    boolean isHydrated,
    long hydrationBytesPerSecond,
    Optional<Path> path,
    Reading reading) {

  /** Where pages lie. */
  public enum Place {
    /** In a file, for the next process too. */
    DISK,

    /** In memory, as long as the replica is open. */
    MEMORY,

    /** Nowhere: they are kept in the page cache alone. */
    OFF
  }

  /** How page bytes come out of the file. */
  public enum Reading {
    /** By a mapping, which is fastest; a disk that cannot give a page back ends the process. */
    MMAP,

    /**
     * By a system call; what the disk cannot give back comes from the replica again. That goes for
     * pages: their tags, 8 bytes each, are mapped nevertheless. In memory it is the same, for what
     * was swapped out.
     */
    PREAD
  }

  /** In the cache directory, as large as the database, filled as pages are asked for. */
  public static final StoreOptions DEFAULT =
      new StoreOptions(
          Place.DISK, Long.MAX_VALUE, false, Long.MAX_VALUE, Optional.empty(), Reading.MMAP);

  public StoreOptions {
    if (bytesMax < 1) {
      throw new IllegalArgumentException("store size " + bytesMax + " is not above 0");
    }
    if (hydrationBytesPerSecond < 1) {
      throw new IllegalArgumentException(
          "hydration rate " + hydrationBytesPerSecond + " is not above 0");
    }
  }

  public StoreOptions at(Place other) {
    return new StoreOptions(other, bytesMax, isHydrated, hydrationBytesPerSecond, path, reading);
  }

  public StoreOptions withBytesMax(long bytes) {
    return new StoreOptions(place, bytes, isHydrated, hydrationBytesPerSecond, path, reading);
  }

  public StoreOptions hydrated(boolean isWanted) {
    return new StoreOptions(place, bytesMax, isWanted, hydrationBytesPerSecond, path, reading);
  }

  public StoreOptions withHydrationBytesPerSecond(long bytes) {
    return new StoreOptions(place, bytesMax, isHydrated, bytes, path, reading);
  }

  public StoreOptions withPath(Path file) {
    return new StoreOptions(
        place, bytesMax, isHydrated, hydrationBytesPerSecond, Optional.of(file), reading);
  }

  public StoreOptions readBy(Reading other) {
    return new StoreOptions(place, bytesMax, isHydrated, hydrationBytesPerSecond, path, other);
  }
}
