package dev.sluice.cache.bulk;

import dev.sluice.storage.LtxFile;
import java.util.Optional;

/** What somebody has read of files before, so that it is not requested again. */
@FunctionalInterface
public interface KnownEnds {

  /** Knows nothing. */
  static KnownEnds none() {
    return file -> Optional.empty();
  }

  /**
   * Returns the header and, behind it, everything from the page index to the end, as the file has
   * them. The array is not written to.
   */
  Optional<byte[]> of(LtxFile file);
}
