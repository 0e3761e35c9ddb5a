package dev.sluice.storage;

import java.time.Instant;

/**
 * One stored LTX file, as a storage listed it. Two files are the same content only if name, size
 * and version are equal. Immutable.
 *
 * @param name level and TXIDs
 * @param size bytes of the whole file
 * @param created when the file was made, by its metadata or else its modification time; the
 *     header's timestamp is the truth
 * @param version the ETag without its quotes, or what the storage has instead (modification time):
 *     equal means unchanged; never empty
 */
public record LtxFile(LtxFileName name, long size, Instant created, String version) {

  public LtxFile {
    if (size < 0) {
      throw new IllegalArgumentException("size " + size + " of " + name);
    }
    if (version.isEmpty()) {
      throw new IllegalArgumentException("no version of " + name);
    }
  }
}
