package dev.sluice.replicator.spool;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.StandardOpenOption;

/** That nobody else has the spool: the kernel lets go of it when the process is gone. */
final class SpoolLock implements Closeable {
  private final FileChannel channel;

  private SpoolLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock of a folder that is there.
   *
   * @throws SpoolException.InUse if somebody has it
   */
  static SpoolLock take(SpoolFolder folder) throws IOException {
    FileChannel channel =
        FileChannel.open(folder.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return new SpoolLock(channel);
      }
    } catch (OverlappingFileLockException e) {
      // Somebody else in this process has it.
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new SpoolException.InUse(folder.directory());
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
