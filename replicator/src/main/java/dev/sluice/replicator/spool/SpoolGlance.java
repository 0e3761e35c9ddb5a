package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a spool holds, seen from outside: nothing is locked or changed, so beside a process that
 * writes it this is of no one instant. Immutable.
 *
 * @param lastCut the newest TXID that was cut; empty if the directory is no spool
 * @param fileCount level-0 files that are still there
 * @param bytes of those and of the log
 */
public record SpoolGlance(Optional<Txid> lastCut, int fileCount, long bytes) {

  /**
   * Looks at a directory, which need not be a spool or be there.
   *
   * @throws SpoolException.Damaged if its record is unreadable
   */
  public static SpoolGlance at(Path directory) throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    Optional<Txid> last = folder.record().read().map(CutRecord::txid);
    int files = 0;
    long bytes = 0;
    for (SpooledFile file : folder.files()) {
      files++;
      bytes += file.bytes();
    }
    for (long number : folder.logs()) {
      bytes += bytes(folder.log(number));
    }
    return new SpoolGlance(last, files, bytes);
  }

  private static long bytes(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0; // it is cut by now
    }
  }
}
