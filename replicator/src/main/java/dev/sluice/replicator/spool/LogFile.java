package dev.sluice.replicator.spool;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * One file of the log, written from its end on. Never fsynced: what a power cut takes of it is read
 * again from the WAL.
 *
 * <p>A channel, because frames go from one direct buffer to the next. An interrupt closes the
 * channel that it meets, so threads that capture are ended by other means. Confined to one thread
 * at a time.
 */
final class LogFile implements Closeable {
  private final Path path;
  private final long number;
  private Optional<FileChannel> channel = Optional.empty();
  private long size;
  private boolean isClean = true;

  /**
   * @param size what of the file counts; the rest is overwritten
   */
  LogFile(Path path, long number, long size) {
    this.path = path;
    this.number = number;
    this.size = size;
  }

  Path path() {
    return path;
  }

  long number() {
    return number;
  }

  /** Returns where the next bytes go. */
  long size() {
    return size;
  }

  /**
   * Writes at the end.
   *
   * @throws SpoolException.Unwritable if not all is written
   */
  void append(ByteBuffer bytes) throws IOException {
    long at = size;
    isClean = false;
    try {
      FileChannel out = channel();
      while (bytes.hasRemaining()) {
        at += out.write(bytes, at);
      }
    } catch (IOException e) {
      throw new SpoolException.Unwritable("append to " + path + " offset=" + at + ": " + e, e);
    }
    size = at;
    isClean = true;
  }

  /** Returns whether the file ends at {@code bytes}, for all that this process wrote. */
  boolean endsAt(long bytes) {
    return isClean && size == bytes;
  }

  /** Forgets what stands at {@code bytes} and behind it. */
  void truncate(long bytes) throws IOException {
    size = bytes;
    channel().truncate(bytes);
    isClean = true;
  }

  private FileChannel channel() throws IOException {
    if (channel.isEmpty() || !channel.get().isOpen()) {
      channel =
          Optional.of(FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE));
    }
    return channel.get();
  }

  /** Closes the descriptor; the next append opens another. */
  @Override
  public void close() throws IOException {
    if (channel.isPresent()) {
      channel.get().close();
    }
    channel = Optional.empty();
  }
}
