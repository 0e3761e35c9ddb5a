package dev.sluice.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A whole file of a directory, from its first byte to the size that was listed. A file deleted
 * meanwhile is read to its end; one that was cut short or rewritten in place is not passed off as
 * whole. Confined to one thread at a time.
 */
final class FileReplicaStream extends InputStream {
  private final RandomAccessFile in;
  private final Path path;
  private final LtxFile file;
  private final String what;
  private long position;

  /** Takes over {@code in}, which stands at its first byte. */
  FileReplicaStream(RandomAccessFile in, Path path, LtxFile file, String what) {
    this.in = in;
    this.path = path;
    this.file = file;
    this.what = what;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] dst, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, dst.length);
    if (length == 0) {
      return 0;
    }
    int wanted = (int) Math.min(length, file.size() - position);
    if (wanted == 0) {
      requireUnchanged();
      return -1;
    }
    int count = readSome(dst, offset, wanted);
    if (count < 0) {
      throw new ReplicaException.Unavailable(
          what + ": the file ended at " + position + " of " + file.size() + " bytes");
    }
    position += count;
    return count;
  }

  private int readSome(byte[] dst, int offset, int length) throws ReplicaException {
    try {
      return in.read(dst, offset, length);
    } catch (IOException e) {
      throw new ReplicaException.Unavailable(what + " offset=" + position + ": " + e, e);
    }
  }

  /** Another file under the name is not ours to see: the open one still has the listed bytes. */
  private void requireUnchanged() throws IOException {
    FileState now;
    try {
      now = FileState.of(path);
    } catch (NoSuchFileException e) {
      return;
    } catch (IOException e) {
      throw FileReplicaClient.replicaException(what, e);
    }
    boolean isOpenFile = file.version().endsWith("-" + now.identity());
    if (isOpenFile && !now.as(file.name()).version().equals(file.version())) {
      throw new ReplicaException.Conflict(what + ": the file was changed while it was read");
    }
  }

  @Override
  public int available() throws IOException {
    return (int) Math.min(Integer.MAX_VALUE, Math.min(in.length(), file.size()) - position);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
