package dev.sluice.soak;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Which hash goes with which number, as the application has written it down: {@code h NUMBER HASH}
 * before each commit, {@code c NUMBER} after it. What a process has written outlives its kill. One
 * process writes, another reads. Confined to one thread at a time.
 */
final class Journal implements AutoCloseable {
  private final FileChannel file;
  private final Map<Long, Long> hashes = new HashMap<>();
  private long readBytes;
  private long lastNumber;
  private long lastCommitted;

  private Journal(FileChannel file) {
    this.file = file;
  }

  static Journal open(Path path) throws IOException {
    Journal journal =
        new Journal(
            FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE));
    journal.read();
    return journal;
  }

  /** Takes what was written since the last call; a line without its end is left for the next. */
  void read() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(file.size() - readBytes));
    while (bytes.hasRemaining() && file.read(bytes, readBytes + bytes.position()) >= 0) {
      // until the end as it was
    }
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
    int end = text.lastIndexOf('\n') + 1;
    for (String line : text.substring(0, end).split("\n", -1)) {
      String[] words = line.split(" ", -1);
      if (words[0].equals("h")) {
        lastNumber = Math.max(lastNumber, Long.parseLong(words[1]));
        hashes.put(Long.parseLong(words[1]), Long.parseLong(words[2]));
      } else if (words[0].equals("c")) {
        lastCommitted = Math.max(lastCommitted, Long.parseLong(words[1]));
      }
    }
    readBytes += end;
  }

  /** Writes behind what was read whole: the end of a line that was cut off is written over. */
  void writing(long number, long hash) throws IOException {
    write("h " + number + " " + hash + "\n");
    hashes.put(number, hash);
    lastNumber = number;
  }

  void committed(long number) throws IOException {
    write("c " + number + "\n");
    lastCommitted = number;
  }

  private void write(String line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      readBytes += file.write(bytes, readBytes);
    }
  }

  /** Returns the greatest number that was given. */
  long lastNumber() {
    return lastNumber;
  }

  /** Returns the greatest number whose commit is known to have succeeded. */
  long lastCommitted() {
    return lastCommitted;
  }

  boolean isRight(Rows.Shown shown) {
    Long expected = hashes.get(shown.number());
    return shown.number() == 0 ? shown.hash() == 0 : expected != null && expected == shown.hash();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
