package dev.sluice.cache.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Says that a folder is this process's: a lock of a file that nothing else opens.
 *
 * <p>A process that closes any descriptor of a file drops all its locks on it, so within a JVM the
 * folder is asked for among the system properties first, which all class loaders share.
 * Thread-safe.
 */
final class OwnerLock implements AutoCloseable {
  private static final String PROPERTY = "dev.sluice.owner:";
  private static final String HELD = "held";
  private static final String LEAVING = "leaving";
  private static final long PAUSE_MILLIS = 2;

  private final RandomAccessFile file;
  private final String property;
  private boolean isClosed;

  private OwnerLock(RandomAccessFile file, String property) {
    this.file = file;
    this.property = property;
  }

  /**
   * Returns the lock; empty if somebody else has it.
   *
   * @param path in a directory that is there, by whatever links: names of one file are one lock
   * @param limit how long to wait while one of this JVM is about to let go of it
   */
  static Optional<OwnerLock> take(Path path, Duration limit) throws IOException {
    Path directory = path.toAbsolutePath().getParent();
    String property =
        PROPERTY + (directory == null ? path : directory.toRealPath().resolve(path.getFileName()));
    long begunNanos = System.nanoTime();
    Object held = System.getProperties().putIfAbsent(property, HELD);
    while (held != null) {
      if (held.equals(HELD) || System.nanoTime() - begunNanos >= limit.toNanos()) {
        return Optional.empty();
      }
      pause();
      held = System.getProperties().putIfAbsent(property, HELD);
    }
    RandomAccessFile file = null;
    Optional<OwnerLock> taken = Optional.empty();
    try {
      file = new RandomAccessFile(path.toFile(), "rw");
      FileLock lock = file.getChannel().tryLock();
      if (lock != null) {
        taken = Optional.of(new OwnerLock(file, property));
      }
      return taken;
    } finally {
      if (taken.isEmpty()) {
        close(file, property);
      }
    }
  }

  private static void pause() throws InterruptedIOException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("wait for a page store to be closed: interrupted");
    }
  }

  /** Says that this will be closed soon. */
  void announceClose() {
    System.getProperties().replace(property, HELD, LEAVING);
  }

  private static void close(@Nullable RandomAccessFile file, String property) throws IOException {
    try {
      if (file != null) {
        file.close();
      }
    } finally {
      System.getProperties().remove(property);
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (!isClosed) {
      isClosed = true;
      close(file, property);
    }
  }
}
