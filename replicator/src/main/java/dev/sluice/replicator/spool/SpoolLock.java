package dev.sluice.replicator.spool;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** That nobody else has the spool: the kernel lets go of it when the process is gone. */
final class SpoolLock implements Closeable {
  /** Of this process: asking the kernel for one of them would let go of it. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private SpoolLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes the lock of a folder that is there.
   *
   * @throws SpoolException.InUse if somebody has it
   */
  static SpoolLock take(SpoolFolder folder) throws IOException {
    Path file = folder.directory().toRealPath().resolve(folder.lock().getFileName());
    if (!HELD.add(file)) {
      throw new SpoolException.InUse(folder.directory());
    }
    try {
      return lock(folder, file);
    } catch (IOException | RuntimeException | Error e) {
      HELD.remove(file);
      throw e;
    }
  }

  private static SpoolLock lock(SpoolFolder folder, Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return new SpoolLock(file, channel);
      }
    } catch (OverlappingFileLockException e) {
      // Another class loader of this process has it.
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new SpoolException.InUse(folder.directory());
  }

  /** Idempotent: the next owner's lock stays. */
  @Override
  public synchronized void close() throws IOException {
    if (!channel.isOpen()) {
      return;
    }
    try {
      channel.close();
    } finally {
      HELD.remove(file);
    }
  }
}
