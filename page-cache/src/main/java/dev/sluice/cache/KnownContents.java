package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Tells whether a file whose version has changed is still the same, by its header and checksum: a
 * writer that is not sure whether a file has arrived stores it once more, one may give a file its
 * time after it is there, and a copy that was put over it has another version too. Thread-safe.
 */
final class KnownContents {
  private static final long WHOLE_BYTES_MAX = 8 << 20;
  private static final Duration LIMIT = Duration.ofSeconds(5);

  private final Source source;
  private final Retries retries;

  KnownContents(Source source, Retries retries) {
    this.source = source;
    this.retries = retries;
  }

  /** Returns files that were just read, each with what its content is known by. */
  List<Lineage.Known> read(List<LtxFile> files) {
    return files.stream()
        .map(file -> new Lineage.Known(file, source.fingerprints().of(file)))
        .toList();
  }

  /**
   * Returns whether the file is proven to hold what it held.
   *
   * @throws ReplicaException if it cannot be read now
   */
  boolean isSame(Lineage.Known before, LtxFile now) throws IOException {
    Optional<Fingerprints.Fingerprint> known = before.fingerprint();
    if (before.file().size() != now.size() || known.isEmpty()) {
      return false;
    }
    Deadline deadline = Deadline.after(LIMIT, System::nanoTime);
    Source retrying = source.with(retries.until(deadline, source.client()));
    try {
      return fingerprint(now, retrying, deadline).equals(known.get());
    } catch (MalformedFileException | LtxFormatException e) {
      return false;
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      throw new ReplicaException.Unavailable(
          source.location(now) + " changes while it is looked at", e);
    }
  }

  /** Reads all of a file that is not large, so that its checksum is true of its content. */
  private static Fingerprints.Fingerprint fingerprint(
      LtxFile file, Source source, Deadline deadline) throws IOException {
    if (file.size() > WHOLE_BYTES_MAX) {
      return new FileLoader(source, deadline).load(List.of(file)).get(0).summary().fingerprint();
    }
    String name = source.location(file);
    source.meter().beginRound();
    byte[] content =
        Waits.await(source.client().read(file, 0, (int) file.size()), deadline, "compare " + name);
    return FileSummary.ofWhole(content, file, name).fingerprint();
  }
}
