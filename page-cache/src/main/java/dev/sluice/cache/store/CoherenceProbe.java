package dev.sluice.cache.store;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Tells whether what is written to a file is seen at once by who has it mapped: so it is on local
 * file systems of Linux, and need not be over a network.
 */
final class CoherenceProbe {
  private static final int BYTES = 8192;
  private static final int ROUNDS = 3;

  private CoherenceProbe() {}

  /**
   * Tries it with a file that is deleted afterwards.
   *
   * @throws IOException if it is not so, or cannot be tried
   */
  static void require(Path directory) throws IOException {
    Path path = directory.resolve(".probe-" + UUID.randomUUID());
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(BYTES);
      MappedByteBuffer mapped = file.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, BYTES);
      byte[] written = new byte[BYTES];
      byte[] seen = new byte[BYTES];
      for (int round = 0; round < ROUNDS; round++) {
        ThreadLocalRandom.current().nextBytes(written);
        file.seek(0);
        file.write(written);
        mapped.get(0, seen);
        if (!Arrays.equals(written, seen)) {
          throw new IOException(
              directory + ": what is written there is not seen in memory; choose a local disk");
        }
      }
    } finally {
      Files.deleteIfExists(path);
    }
  }
}
