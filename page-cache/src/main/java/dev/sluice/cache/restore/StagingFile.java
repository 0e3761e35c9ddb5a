package dev.sluice.cache.restore;

import dev.sluice.storage.Deadline;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A database file on its way: {@code .NAME.UUID.restoring}, and beside it {@code
 * .NAME.UUID.restoring-lock}, whose lock says that a process makes it.
 *
 * <p>Why not its own lock: a process that closes a file drops every lock that it has on it, and
 * this one is opened and closed by several. Not thread-safe.
 */
final class StagingFile implements Closeable {
  private static final String SUFFIX = ".restoring";
  private static final String LOCK_SUFFIX = SUFFIX + "-lock";
  private static final String UUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

  /** How long another process may look at whether a lock is held. */
  private static final Duration LOOKED_AT_LIMIT = Duration.ofSeconds(5);

  /** The locks of this process, which another look at the file would drop. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final Path lock;
  private Optional<RandomAccessFile> held = Optional.empty();

  /** Takes the file that it is to become; touches nothing. */
  StagingFile(Path of) {
    String name = "." + of.getFileName() + "." + UUID.randomUUID();
    this.path = of.resolveSibling(name + SUFFIX);
    this.lock = of.resolveSibling(name + LOCK_SUFFIX);
  }

  Path path() {
    return path;
  }

  /** Has others leave the file alone, where files can be locked. Idempotent. */
  void claim() throws IOException {
    if (held.isPresent()) {
      return;
    }
    HELD.add(lock);
    Deadline deadline = Deadline.after(LOOKED_AT_LIMIT, System::nanoTime);
    while (held.isEmpty()) {
      RandomAccessFile file = new RandomAccessFile(lock.toFile(), "rw");
      // One that was removed before it was locked is made again.
      if (isMine(file) && Files.exists(lock)) {
        held = Optional.of(file);
      } else {
        file.close();
        requireTime(deadline);
      }
    }
  }

  private boolean isMine(RandomAccessFile file) throws IOException {
    try {
      return isLocked(file);
    } catch (ClosedByInterruptException e) {
      file.close();
      InterruptedIOException interrupted = new InterruptedIOException(path + ": interrupted");
      interrupted.initCause(e);
      throw interrupted;
    } catch (IOException e) {
      return true; // no locks here: then nobody else has it either, and what is left stays
    }
  }

  private void requireTime(Deadline deadline) throws IOException {
    if (deadline.hasPassed()) {
      throw new IOException(lock + " is held by another program");
    }
    Thread.onSpinWait();
  }

  /** Removes what processes left that were killed while they made such a file. */
  static void removeLeftOvers(Path of) {
    Pattern name =
        Pattern.compile(
            "("
                + Pattern.quote("." + of.getFileName() + ".")
                + UUID_PATTERN
                + ")"
                + Pattern.quote(SUFFIX)
                + "(-lock)?");
    Set<String> found = new HashSet<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(of.resolveSibling(""))) {
      for (Path each : all) {
        Matcher matcher = name.matcher(String.valueOf(each.getFileName()));
        if (matcher.matches()) {
          found.add(matcher.group(1));
        }
      }
    } catch (DirectoryIteratorException | IOException e) {
      return; // a folder that can be written to need not be readable
    }
    for (String each : found) {
      try {
        removeUnlessHeld(of.resolveSibling(each + SUFFIX), of.resolveSibling(each + LOCK_SUFFIX));
      } catch (IOException e) {
        // Somebody else's, or not to be locked: it stays.
      }
    }
  }

  private static void removeUnlessHeld(Path path, Path lock) throws IOException {
    if (HELD.contains(lock)) {
      return;
    }
    try (RandomAccessFile file = new RandomAccessFile(lock.toFile(), "rw")) {
      if (isLocked(file)) {
        Files.deleteIfExists(path);
        Files.deleteIfExists(lock);
      }
    }
  }

  private static boolean isLocked(RandomAccessFile file) throws IOException {
    FileLock taken = file.getChannel().tryLock();
    return taken != null;
  }

  /** Removes the file, if it has no other name, and what says that it is being made. */
  @Override
  public void close() throws IOException {
    try {
      Files.deleteIfExists(path);
    } finally {
      if (held.isPresent()) {
        Files.deleteIfExists(lock);
        held.get().close();
        held = Optional.empty();
      }
      HELD.remove(lock);
    }
  }
}
