package dev.sluice.cache.store;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder that is there until its files are open, by all who need them: then they have no name any
 * more, and go with the process. Confined to one thread.
 *
 * <pre>
 *   PARENT/private-UUID/owner     locked by who is about to open what is beside it
 * </pre>
 *
 * <p>Who is killed meanwhile leaves it; the lock tells that nobody lives who needs it. A folder is
 * made before it can be locked: whoever makes one looks whether it is still there when it has the
 * lock, and else makes another.
 */
final class TemporaryFolder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TemporaryFolder.class);
  private static final String PREFIX = "private-";
  private static final int UUID_LENGTH = 36;
  private static final int ATTEMPTS = 100;

  private final Path path;
  private final OwnerLock owner;

  private TemporaryFolder(Path path, OwnerLock owner) {
    this.path = path;
    this.owner = owner;
  }

  /**
   * Makes one.
   *
   * @param parent made if it is not there
   */
  static TemporaryFolder make(Path parent) throws IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      Path path = parent.resolve(PREFIX + UUID.randomUUID());
      StoreFolder.makeDirectory(path);
      Optional<TemporaryFolder> made = own(path);
      if (made.isPresent()) {
        return made.get();
      }
    }
    throw new IOException(parent + ": what is made there goes at once");
  }

  /** Returns a folder that was just made; empty if it is gone, or about to go. */
  static Optional<TemporaryFolder> own(Path path) throws IOException {
    Optional<OwnerLock> owner = lock(path);
    if (owner.isPresent() && !Files.exists(lockFile(path))) {
      owner.get().close();
      return Optional.empty();
    }
    return owner.map(lock -> new TemporaryFolder(path, lock));
  }

  private static Path lockFile(Path folder) {
    return folder.resolve("owner");
  }

  /** Returns the lock of a folder; empty if somebody else has it, or if the folder is gone. */
  private static Optional<OwnerLock> lock(Path folder) throws IOException {
    try {
      return OwnerLock.take(lockFile(folder), Duration.ZERO);
    } catch (NoSuchFileException | FileNotFoundException e) {
      if (Files.exists(folder)) {
        throw e;
      }
      return Optional.empty();
    }
  }

  Path path() {
    return path;
  }

  /** Removes those that nobody owns any more. What cannot be removed stays. */
  static void removeLeft(Path parent) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path each : all) {
        if (isOurs(each)) {
          removeIfLeft(each);
        }
      }
    }
  }

  private static boolean isOurs(Path folder) {
    String name = String.valueOf(folder.getFileName());
    try {
      return name.length() == PREFIX.length() + UUID_LENGTH
          && UUID.fromString(name.substring(PREFIX.length())).version() > 0
          && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static void removeIfLeft(Path folder) {
    try {
      Optional<OwnerLock> owner = lock(folder);
      if (owner.isPresent()) {
        new TemporaryFolder(folder, owner.get()).close();
      }
    } catch (IOException e) {
      log.debug("remove {}: {}", folder, e.toString());
    }
  }

  /** Takes the names of its files away. */
  @Override
  public void close() throws IOException {
    try {
      StoreFolder.deleteTree(path);
    } finally {
      owner.close();
    }
  }
}
