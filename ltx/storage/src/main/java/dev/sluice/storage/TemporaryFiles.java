package dev.sluice.storage;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * Files of a level's folder on their way to their names: {@code NAME.ltx.PID-N.tmp}, which no
 * listing shows. Thread-safe.
 */
final class TemporaryFiles {

  /** The second suffix is that of what {@link HardLinks} tries. */
  private static final Pattern NAMES =
      Pattern.compile("[0-9a-f]{16}-[0-9a-f]{16}\\.ltx\\.[0-9]+-[0-9]+\\.tmp(\\.tmp)?");

  private final LeftOvers leftOvers;
  private final AtomicLong number = new AtomicLong();

  TemporaryFiles(LeftOvers leftOvers) {
    this.leftOvers = leftOvers;
  }

  /**
   * Creates an empty file. A name left behind by a process that was killed is skipped; what such
   * processes left long ago goes when a folder is first written to.
   */
  Path create(Path folder, String fileName) throws IOException {
    leftOvers.clear(folder, folder, NAMES);
    long pid = ProcessHandle.current().pid();
    Path temporary;
    do {
      String suffix = "." + pid + "-" + number.incrementAndGet() + ".tmp";
      temporary = folder.resolve(fileName + suffix);
    } while (!createdNew(temporary));
    return temporary;
  }

  private static boolean createdNew(Path path) throws IOException {
    try {
      Files.createFile(path);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }
}
