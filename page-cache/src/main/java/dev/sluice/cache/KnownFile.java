package dev.sluice.cache;

import dev.sluice.storage.LtxFile;
import java.util.Optional;

/**
 * A file that tells one replica from another: as it was listed, and what it holds if it was read.
 * Immutable.
 *
 * @param file as it was listed
 * @param content empty if it was only seen
 */
public record KnownFile(LtxFile file, Optional<Content> content) {

  /**
   * What a file was read and verified to hold.
   *
   * @param timestampMillis when it was made, by its header
   * @param fileChecksum the checksum of all of it, by its trailer
   */
  public record Content(long timestampMillis, long fileChecksum) {}

  /** Returns a file that was read to its end and verified. */
  public static KnownFile read(LtxFile file, long timestampMillis, long fileChecksum) {
    return new KnownFile(file, Optional.of(new Content(timestampMillis, fileChecksum)));
  }
}
