package dev.sluice.replicator.capture;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A program that waits for readers as SQLite's checkpoints do that are to begin a WAL anew, but
 * step by step: {@code begin} and the path of a {@code -shm} file keeps writers and checkpoints out
 * and reads the marks of readers; {@code try} locks each mark that was behind and that it has not
 * had yet; {@code end} lets all go on.
 */
final class CheckpointProbe {
  private static final int AT_MX_FRAME = 16;
  private static final int AT_MARKS = 100;
  private static final int AT_WRITE_LOCK = 120;
  private static final int AT_CHECKPOINT_LOCK = 121;
  private static final int AT_READ_LOCKS = 123;
  private static final int READERS = 5;

  private final FileChannel index;
  private final FileLock checkpoint;
  private final FileLock write;
  private final List<Integer> behind = new ArrayList<>();

  private CheckpointProbe(Path path) throws IOException {
    index = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    checkpoint = index.lock(AT_CHECKPOINT_LOCK, 1, false);
    write = index.lock(AT_WRITE_LOCK, 1, false);
    ByteBuffer bytes = ByteBuffer.allocate(AT_WRITE_LOCK).order(ByteOrder.nativeOrder());
    while (bytes.hasRemaining()) {
      if (index.read(bytes, bytes.position()) < 0) {
        throw new IOException(path + " is too short");
      }
    }
    for (int i = 1; i < READERS; i++) {
      int mark = bytes.getInt(AT_MARKS + i * Integer.BYTES);
      if (Integer.compareUnsigned(mark, bytes.getInt(AT_MX_FRAME)) < 0) {
        behind.add(i);
      }
    }
  }

  private void tryLocks() throws IOException {
    for (Integer mark : List.copyOf(behind)) {
      FileLock lock = index.tryLock(AT_READ_LOCKS + mark, 1, false);
      if (lock != null) {
        lock.release();
        behind.remove(mark);
      }
    }
  }

  private void end() throws IOException {
    write.release();
    checkpoint.release();
    index.close();
  }

  public static void main(String[] args) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    CheckpointProbe probe = null;
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (probe == null) {
        probe = new CheckpointProbe(Path.of(line.substring("begin ".length())));
      } else if (line.equals("try")) {
        probe.tryLocks();
      } else {
        probe.end();
        probe = null;
      }
      System.out.println("waits for " + (probe == null ? List.of() : probe.behind));
    }
  }
}
