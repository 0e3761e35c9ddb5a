package dev.sluice.storage;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Temporary files of writers that were killed: each place is cleared of them once. What has changed
 * within a day may belong to one that lives. Thread-safe.
 */
final class LeftOvers {
  private static final Logger log = LoggerFactory.getLogger(LeftOvers.class);
  private static final Duration AGE = Duration.ofDays(1);

  private final Clock clock;
  private final Set<Path> cleared = ConcurrentHashMap.newKeySet();

  LeftOvers(Clock clock) {
    this.clock = clock;
  }

  /**
   * Deletes what is left, at the first call for a place.
   *
   * @param place what is cleared once: the folder, or a file in it
   * @param names what the whole name of such a file is
   */
  void clear(Path place, Path folder, Pattern names) {
    if (!cleared.add(place)) {
      return;
    }
    try (DirectoryStream<Path> entries =
        Files.newDirectoryStream(
            folder, path -> names.matcher(String.valueOf(path.getFileName())).matches())) {
      for (Path path : entries) {
        if (isOld(path)) {
          Files.deleteIfExists(path);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      log.debug("{} is not cleared of temporary files", folder, e); // they are in nobody's way
    }
  }

  /**
   * By the time at which the file system saw a change: a file that is about to get its name has
   * been given another modification time, of any age.
   */
  private boolean isOld(Path path) throws IOException {
    try {
      FileTime changed = (FileTime) Files.getAttribute(path, "unix:ctime");
      return changed.toInstant().isBefore(clock.instant().minus(AGE));
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      throw new FileSystemException(path.toString(), null, "no time of change");
    }
  }
}
