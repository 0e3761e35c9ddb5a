package dev.sluice.replicator.spool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Makes a directory no spool any more: the next start captures the database anew, and goes on from
 * what the replica has. Where what was captured and not uploaded is in the database still, if not
 * as the same TXIDs, the spool can be removed; else it is set aside.
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

  /**
   * Moves a whole spool beside itself, to {@code NAME.left-N}, for good.
   *
   * @return where it is now
   * @throws SpoolException if it is none, or a process has it
   * @throws IOException if it could not be moved: it is where it was
   */
  public static Path setAside(Path directory, SpoolSetup setup) throws IOException {
    Path aside = unusedFolder(directory);
    try (Spool taken = Spool.open(directory, setup)) { // and nobody else has it meanwhile
      Files.move(taken.directory(), aside, StandardCopyOption.ATOMIC_MOVE);
    }
    SpoolFolder.fsync(Optional.ofNullable(aside.getParent()).orElseThrow());
    return aside;
  }

  private static Path unusedFolder(Path directory) {
    int number = 1;
    Path folder;
    do {
      folder = directory.resolveSibling(directory.getFileName() + ".left-" + number);
      number++;
    } while (Files.exists(folder, LinkOption.NOFOLLOW_LINKS));
    return folder;
  }
}
