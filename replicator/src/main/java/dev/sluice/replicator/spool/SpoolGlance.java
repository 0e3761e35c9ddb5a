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
 * @param bytes of all its files
 */
public record SpoolGlance(Optional<Txid> lastCut, long bytes) {

  /**
   * Looks at a directory, which need not be a spool or be there.
   *
   * @throws SpoolException.Damaged if its record is unreadable
   */
  public static SpoolGlance at(Path directory) throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    Optional<Txid> last = folder.record().read().map(CutRecord::txid);
    long bytes = 0;
    for (Path file : folder.all()) {
      bytes += bytes(file);
    }
    return new SpoolGlance(last, bytes);
  }

  /** Returns whether there may be commits that are nowhere else: files that were cut, or a log. */
  public static boolean holdsCommits(Path directory) throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    return folder.record().read().isPresent()
        && !(folder.cutTxids().isEmpty() && folder.logs().isEmpty());
  }

  /** Returns whether a process has the spool: it is taken for a moment, if it is free. */
  public static boolean isInUse(Path directory) throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    if (!Files.exists(folder.lock())) {
      return false;
    }
    try (SpoolLock taken = SpoolLock.take(folder)) {
      return taken == null;
    } catch (SpoolException.InUse e) {
      return true;
    }
  }

  private static long bytes(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0; // it is done with by now
    }
  }
}
