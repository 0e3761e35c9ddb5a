package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written to a file that is cut is in it, in its order, or somebody is told. */
class SpoolOutputTest {
  private static final long SURELY_MILLIS = 30_000;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 256 << 10, (256 << 10) + 1, 16 << 20, 40 << 20})
  void whatIsWrittenInPiecesIsInTheFile(int bytes) throws IOException {
    Random random = new Random(bytes);
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    Path file = folder.resolve("cut");
    try (SpoolOutput out = SpoolOutput.create(file)) {
      for (int at = 0; at < bytes; ) {
        int n = Math.min(bytes - at, 1 + random.nextInt(600_000));
        out.write(content, at, n);
        at += n;
      }
      out.sync();
      assertArrayEquals(content, Files.readAllBytes(file));
    }
    assertArrayEquals(content, Files.readAllBytes(file));
  }

  /** Early, when it is written at once, and late, when it is written by the other thread. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 20, 20 << 20})
  void aDiskThatFailsIsToldAndNoSyncSucceedsAfterIt(long afterBytes) throws IOException {
    Path file = folder.resolve("cut");
    SpoolOutput out = new SpoolOutput(new Failing(file, afterBytes), file);
    byte[] piece = new byte[100_000];
    SpoolException.Unwritable failure =
        assertThrows(
            SpoolException.Unwritable.class,
            () -> {
              for (long at = 0; at < afterBytes + (2 << 20); at += piece.length) {
                out.write(piece, 0, piece.length);
              }
            });
    assertTrue(String.valueOf(failure.getMessage()).startsWith("cut " + file + ": "));
    assertThrows(SpoolException.Unwritable.class, out::sync);
    out.close();
    assertEquals(afterBytes, Files.size(file));
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    Path file = folder.resolve("none").resolve("cut");
    SpoolException failure =
        assertThrows(SpoolException.Unwritable.class, () -> SpoolOutput.create(file));
    assertTrue(String.valueOf(failure.getMessage()).contains(file.toString()));
  }

  @Test
  void nothingIsLeftOfTheThread() throws IOException, InterruptedException {
    List<Thread> writers;
    try (SpoolOutput out = SpoolOutput.create(folder.resolve("cut"))) {
      out.write(new byte[20 << 20], 0, 20 << 20);
      writers = writers();
      assertFalse(writers.isEmpty());
    }
    for (Thread writer : writers) {
      writer.join(SURELY_MILLIS);
      assertFalse(writer.isAlive(), writer::toString);
    }
  }

  private static List<Thread> writers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("sluice-cut"))
        .toList();
  }

  /** A file that is closed underneath after so many bytes. */
  private static final class Failing extends FileOutputStream {
    private long left;

    Failing(Path file, long bytes) throws IOException {
      super(file.toFile());
      this.left = bytes;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (length > left) {
        super.write(bytes, offset, (int) left);
        close();
      }
      left -= length;
      super.write(bytes, offset, length);
    }
  }
}
