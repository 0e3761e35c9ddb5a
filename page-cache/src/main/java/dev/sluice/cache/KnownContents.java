package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * Tells whether a file whose version has changed is still the same, by its bytes: a writer may give
 * a file its time after it is there, and a copy that was put over it has another version too.
 *
 * <p>Only of files that are small enough to be read whole, for their checksum proves the rest of
 * them, and whose header and index are still in the cache. Thread-safe.
 */
final class KnownContents {
  private static final long BYTES_MAX = 8 << 20;
  private static final Duration LIMIT = Duration.ofSeconds(5);

  private final Source source;
  private final Retries retries;

  KnownContents(Source source, Retries retries) {
    this.source = source;
    this.retries = retries;
  }

  /**
   * Returns whether the file is proven to hold what it held.
   *
   * @throws dev.sluice.storage.ReplicaException if it cannot be read now
   */
  boolean isSame(LtxFile before, LtxFile now) throws IOException {
    if (before.size() != now.size() || now.size() > BYTES_MAX) {
      return false;
    }
    int number = source.files().numberOf(before);
    Optional<byte[]> known = source.cache().find(FrameCache.summaryKey(number));
    if (known.isEmpty()) {
      return false;
    }
    String name = source.location(now);
    Deadline deadline = Deadline.after(LIMIT, System::nanoTime);
    source.meter().beginRound();
    byte[] content =
        Waits.await(
            retries.until(deadline, source.client()).read(now, 0, (int) now.size()),
            deadline,
            "compare " + name);
    try {
      return Arrays.equals(known.get(), FileSummary.ofWhole(content, now, name).bytes());
    } catch (LtxFormatException e) {
      return false;
    }
  }
}
