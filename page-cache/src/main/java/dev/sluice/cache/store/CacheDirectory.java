package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory in which the stores of many replicas lie, each in a folder of its own, and what
 * becomes there of those that nobody uses any more.
 *
 * <p>A store of which nothing has been written for 30 days is deleted; a store is written to when
 * it is opened, and when it is closed. Its owner's lock is held meanwhile: a store that is open is
 * never deleted, whatever the time is. The folder stays, with the file of the lock, because who has
 * just opened that file to lock it must not have another than the next one.
 *
 * <p>Somebody looks once a day, which a file's time of change tells. If the last look was longer
 * ago than a store is kept, or is to come, this one deletes nothing: the host was off, or its clock
 * has jumped, and what is in use is still to be opened. Thread-safe.
 */
public final class CacheDirectory {
  private static final Logger log = LoggerFactory.getLogger(CacheDirectory.class);

  /** How long a store is kept that nobody opens. */
  static final Duration KEPT = Duration.ofDays(30);

  static final Duration LOOK_INTERVAL = Duration.ofDays(1);
  static final String LOOKED = ".looked";

  private final Path path;
  private final Clock clock;

  public CacheDirectory(Path path, Clock clock) {
    this.path = path;
    this.clock = clock;
  }

  /**
   * Removes what killed processes have left, and has old stores deleted by a thread of its own, if
   * it is time to look. Needs not succeed.
   *
   * @param own the folder of a store that is in use
   */
  public void tidy(Path own) {
    try {
      TemporaryFolder.removeLeft(path);
      List<Path> others = folders();
      others.remove(own);
      Instant now = clock.instant();
      if (!others.isEmpty() && isDue(now)) {
        Thread thread = new Thread(() -> deleteOld(others, now), "store-tidy");
        thread.setDaemon(true);
        thread.start();
      }
    } catch (IOException | DirectoryIteratorException | OutOfMemoryError e) {
      log.debug("tidy {}: {}", path, e.toString());
    }
  }

  /** Returns what looks like the folder of a store: it has the file of a lock. */
  List<Path> folders() throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(path)) {
      for (Path each : all) {
        if (Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)
            && Files.isRegularFile(StoreFolder.lockFile(each), LinkOption.NOFOLLOW_LINKS)) {
          found.add(each);
        }
      }
    }
    return found;
  }

  /** Takes note of this look; returns whether old stores are to be deleted. */
  boolean isDue(Instant now) throws IOException {
    Path looked = path.resolve(LOOKED);
    Optional<Duration> since = Optional.empty();
    if (Files.exists(looked)) {
      since = Optional.of(Duration.between(Files.getLastModifiedTime(looked).toInstant(), now));
      if (!since.get().isNegative() && since.get().compareTo(LOOK_INTERVAL) < 0) {
        return false;
      }
    } else {
      Files.createFile(looked);
    }
    Files.setLastModifiedTime(looked, FileTime.from(now));
    return since.isPresent() && !since.get().isNegative() && since.get().compareTo(KEPT) <= 0;
  }

  /** Deletes the stores of folders in which nothing was written for long. */
  void deleteOld(List<Path> folders, Instant now) {
    for (Path folder : folders) {
      try {
        if (old(folder, now).isPresent() && deleteUnlessOwned(folder, now)) {
          log.info("page store {}: deleted, nobody has used it for {}", folder, KEPT);
        }
      } catch (IOException | DirectoryIteratorException e) {
        log.debug("delete the page store {}: {}", folder, e.toString());
      }
    }
  }

  private static Optional<LeftStores> old(Path folder, Instant now) throws IOException {
    return LeftStores.in(folder).filter(left -> left.written().isBefore(now.minus(KEPT)));
  }

  /** Somebody may have opened it and closed it again: so it is looked at again under the lock. */
  private static boolean deleteUnlessOwned(Path folder, Instant now) throws IOException {
    Optional<OwnerLock> owner = OwnerLock.take(StoreFolder.lockFile(folder), Duration.ZERO);
    if (owner.isEmpty()) {
      return false;
    }
    try (OwnerLock held = owner.get()) {
      held.announceClose(); // who wants it in this process waits
      Optional<LeftStores> old = old(folder, now);
      if (old.isPresent()) {
        old.get().delete();
      }
      return old.isPresent();
    }
  }
}
