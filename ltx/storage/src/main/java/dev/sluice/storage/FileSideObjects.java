package dev.sluice.storage;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;

/**
 * Objects in a directory. A file system has no conditional rename, so whoever replaces an object
 * holds a lock file beside it while it compares and renames; a new one gets its name by a hard
 * link, as LTX files do. The version is a hash of the content. Thread-safe.
 */
final class FileSideObjects implements SideObjects {
  /** File locks are those of a process: among its threads one lock for each object decides. */
  private static final ConcurrentHashMap<Path, ReentrantLock> IN_PROCESS =
      new ConcurrentHashMap<>();

  /** How long a thread waits for another one, which a directory that hangs may hold up. */
  private static final Duration IN_PROCESS_LIMIT = Duration.ofSeconds(2);

  private static final String UUID_AND_SUFFIX =
      "\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.tmp(\\.tmp)?";

  private final Path root;
  private final String location;
  private final FileTasks tasks;
  private final LeftOvers leftOvers;

  FileSideObjects(Path root, String location, FileTasks tasks, LeftOvers leftOvers) {
    this.root = root;
    this.location = location;
    this.tasks = tasks;
    this.leftOvers = leftOvers;
  }

  @Override
  public CompletableFuture<Optional<SideObject>> read(String name) {
    Path path = path(name);
    return tasks.submit("read " + location + "/" + name, () -> readNow(path));
  }

  @Override
  public CompletableFuture<String> create(String name, byte[] content) {
    Path path = path(name);
    return tasks.submit(
        "create " + location + "/" + name,
        () -> {
          Path temporary = temporary(path, content);
          try {
            HardLinks.create(path, temporary, location);
          } finally {
            Files.deleteIfExists(temporary);
          }
          return version(content);
        });
  }

  @Override
  public CompletableFuture<String> replace(String name, byte[] content, String version) {
    Path path = path(name);
    String what = "replace " + location + "/" + name;
    return tasks.submit(
        what,
        () -> {
          ReentrantLock inProcess =
              IN_PROCESS.computeIfAbsent(
                  path.toAbsolutePath().normalize(), object -> new ReentrantLock());
          lock(inProcess, what);
          try {
            return replaceNow(path, content, version, what);
          } finally {
            inProcess.unlock();
          }
        });
  }

  private static void lock(ReentrantLock inProcess, String what) throws IOException {
    try {
      if (!inProcess.tryLock(IN_PROCESS_LIMIT.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new ReplicaException.Unavailable(what + ": another thread has been at it for long");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(what + ": interrupted");
    }
  }

  private String replaceNow(Path path, byte[] content, String version, String what)
      throws IOException {
    Path lock = path.resolveSibling(path.getFileName() + ".lock");
    createFolder(path);
    try (RandomAccessFile file = new RandomAccessFile(lock.toFile(), "rw")) {
      if (!isLocked(file)) {
        throw new ReplicaException.Unavailable(what + ": another process is at it");
      }
      requireVersion(path, version, what);
      Path temporary = temporary(path, content);
      try {
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
      return version(content);
    }
  }

  /** The lock goes when the file is closed. */
  private static boolean isLocked(RandomAccessFile file) throws IOException {
    try {
      FileLock held = file.getChannel().tryLock();
      return held != null;
    } catch (OverlappingFileLockException e) {
      return false; // by another name of the same folder
    }
  }

  @Override
  public CompletableFuture<Void> delete(String name) {
    Path path = path(name);
    return tasks.submitVoid("delete " + location + "/" + name, () -> Files.deleteIfExists(path));
  }

  private Path path(String name) {
    SideObjects.requireName(name);
    return root.resolve(name);
  }

  private static Optional<SideObject> readNow(Path path) throws IOException {
    try {
      byte[] content = Files.readAllBytes(path);
      return Optional.of(new SideObject(content, version(content)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static void requireVersion(Path path, String version, String what) throws IOException {
    Optional<SideObject> now = readNow(path);
    if (now.filter(object -> object.version().equals(version)).isEmpty()) {
      throw new ReplicaException.Conflict(
          what + ": it is " + (now.isEmpty() ? "gone" : "another version by now"));
    }
  }

  private Path temporary(Path path, byte[] content) throws IOException {
    createFolder(path);
    Pattern names = Pattern.compile(Pattern.quote(path.getFileName().toString()) + UUID_AND_SUFFIX);
    leftOvers.clear(path, Objects.requireNonNull(path.getParent()), names);
    Path temporary = path.resolveSibling(path.getFileName() + "." + UUID.randomUUID() + ".tmp");
    return Files.write(temporary, content);
  }

  private static void createFolder(Path path) throws IOException {
    Path folder = Objects.requireNonNull(path.getParent());
    try {
      Files.createDirectories(folder);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
    }
  }

  private static String version(byte[] content) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
