package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LogFileTest {
  @TempDir Path folder;

  @Test
  void failedAppendHasToBeTruncated() throws IOException {
    Path path = folder.resolve("log");
    try (LogFile log = new LogFile(path, 1, 0)) {
      log.append(ByteBuffer.allocate(10));
      assertTrue(log.endsAt(10));
      Thread.currentThread().interrupt();
      assertThrows(IOException.class, () -> log.append(ByteBuffer.allocate(10)));
      assertTrue(Thread.interrupted());
      assertEquals(10, log.size());
      assertFalse(log.endsAt(10));
      Files.write(path, new byte[17]);
      log.truncate(10);
      assertTrue(log.endsAt(10));
      assertEquals(10, Files.size(path));
      log.append(ByteBuffer.allocate(1));
      assertEquals(11, Files.size(path));
    }
  }
}
