package dev.sluice.replicator.capture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What the file system says of a file, without opening it. Immutable.
 *
 * <p>Two that are equal mean that nobody wrote to the file in between, if the first was {@linkplain
 * #isSettled settled}: a file system's time goes in ticks of some milliseconds, and a second write
 * within one leaves no trace.
 *
 * @param device the file system
 * @param inode the file in it
 * @param mtimeNanos of the last write, since the Unix epoch
 * @param ctimeNanos of the last change of anything
 */
record FileStat(long device, long inode, long size, long mtimeNanos, long ctimeNanos) {
  private static final Duration TICK = Duration.ofMillis(50);
  private static final String ATTRIBUTES = "unix:dev,ino,size,lastModifiedTime,ctime";

  /** Returns that of a file, links followed; empty if there is none. */
  static Optional<FileStat> of(Path path) throws IOException {
    try {
      Map<String, Object> found = Files.readAttributes(path, ATTRIBUTES);
      return Optional.of(
          new FileStat(
              number(found, "dev"),
              number(found, "ino"),
              number(found, "size"),
              nanos(found, "lastModifiedTime"),
              nanos(found, "ctime")));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static long number(Map<String, Object> found, String name) {
    return found.get(name) instanceof Number number ? number.longValue() : 0;
  }

  private static long nanos(Map<String, Object> found, String name) {
    return found.get(name) instanceof FileTime time ? time.to(TimeUnit.NANOSECONDS) : 0;
  }

  /** Returns whether a write from now on would have another time. */
  boolean isSettled(Instant now) {
    Instant settled = Instant.ofEpochSecond(0, Math.max(mtimeNanos, ctimeNanos)).plus(TICK);
    return !now.isBefore(settled);
  }

  /** Returns whether it is the same file, whatever was written to it. */
  boolean isSameFile(FileStat other) {
    return device == other.device && inode == other.inode;
  }

  /** Returns whether it is the same file, and nothing was written to it. */
  boolean isUnwritten(FileStat other) {
    return isSameFile(other) && size == other.size && mtimeNanos == other.mtimeNanos;
  }
}
