package dev.sluice.replicator;

import dev.sluice.replicator.capture.CaptureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Whether a database that was refused stays so, and a person must look: who makes it, or copies it
 * into its place, may not be done yet. Confined to the database's step.
 */
final class Refusal {
  private static final long DENIED_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** A file to which nobody writes for so long is as it is to be. */
  private static final long STILL_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** What is written to all the time, as a log is, is no copy that will be done. */
  private static final long CHANGING_NANOS = TimeUnit.MINUTES.toNanos(5);

  private final Path database;
  private Optional<Long> sinceNanos = Optional.empty();
  private Optional<Seen> seen = Optional.empty();
  private long seenNanos;

  /** What a file was like. */
  private record Seen(long bytes, FileTime modified) {}

  Refusal(Path database) {
    this.database = database;
  }

  /** Takes note of what the database cannot be captured for; returns whether it stays so. */
  boolean isFinal(CaptureException failure, long now) {
    if (failure instanceof CaptureException.NotADatabase && isNoFile()) {
      return true;
    }
    boolean isDenied = failure instanceof CaptureException.Denied;
    if (!isDenied && !(failure instanceof CaptureException.NotADatabase)) {
      sinceNanos = Optional.empty();
      return false;
    }
    Optional<Seen> is = look();
    if (sinceNanos.isEmpty() || !is.equals(seen)) {
      seen = is;
      seenNanos = now;
    }
    long refusedNanos = now - sinceNanos.orElse(now);
    sinceNanos = Optional.of(now - refusedNanos);
    return isDenied
        ? refusedNanos >= DENIED_NANOS
        : now - seenNanos >= STILL_NANOS || refusedNanos >= CHANGING_NANOS;
  }

  /** A folder never becomes a database, whatever is done in it. */
  private boolean isNoFile() {
    return Files.exists(database) && !Files.isRegularFile(database);
  }

  private Optional<Seen> look() {
    try {
      BasicFileAttributes is = Files.readAttributes(database, BasicFileAttributes.class);
      return Optional.of(new Seen(is.size(), is.lastModifiedTime()));
    } catch (IOException e) {
      return Optional.empty(); // it may not be looked at, or is gone by now
    }
  }
}
