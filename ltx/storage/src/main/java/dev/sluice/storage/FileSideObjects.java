package dev.sluice.storage;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * Objects in a directory. A file system has no conditional rename, so whoever replaces an object
 * holds a lock file beside it while it compares and renames; a new one gets its name by a hard
 * link, as LTX files do. The version is a hash of the content. Thread-safe.
 */
final class FileSideObjects implements SideObjects {
  /** File locks are those of a process: among its threads one object decides. */
  private static final Object IN_PROCESS = new Object();

  private final Path root;
  private final String location;
  private final FileTasks tasks;

  FileSideObjects(Path root, String location, FileTasks tasks) {
    this.root = root;
    this.location = location;
    this.tasks = tasks;
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
            Files.createLink(path, temporary);
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
          synchronized (IN_PROCESS) {
            Path lock = path.resolveSibling(path.getFileName() + ".lock");
            createFolder(path);
            try (RandomAccessFile file = new RandomAccessFile(lock.toFile(), "rw")) {
              FileLock held = file.getChannel().lock();
              if (!held.isValid()) {
                throw new IOException("lock " + lock);
              }
              requireVersion(path, version, what);
              Files.move(temporary(path, content), path, StandardCopyOption.ATOMIC_MOVE);
              return version(content);
            }
          }
        });
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

  private static Path temporary(Path path, byte[] content) throws IOException {
    createFolder(path);
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
