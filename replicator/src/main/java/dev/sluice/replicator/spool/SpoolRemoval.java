package dev.sluice.replicator.spool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes a directory no spool any more: the next start captures the database anew, and goes on from
 * what the replica has. What was captured and not uploaded is in the database still, if not as the
 * same TXIDs.
 */
public final class SpoolRemoval {
  private SpoolRemoval() {}

  /**
   * Removes what is in a spool; what lies beside it stays. False if there was none.
   *
   * @throws SpoolException.InUse if a process has it
   */
  public static boolean remove(Path directory) throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (SpoolLock lock = SpoolLock.take(folder)) {
      boolean isSpool = Files.exists(directory.resolve("position"));
      folder.record().delete();
      SpoolFolder.fsync(directory);
      for (Path file : folder.all()) {
        Files.deleteIfExists(file);
      }
      folder.deleteTemporaries();
      SpoolFolder.fsync(directory);
      return isSpool && lock != null;
    }
  }
}
