package dev.sluice.cache;

import dev.sluice.storage.LtxFile;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What tells files apart by content, of the files that were read last: a version is the storage's,
 * and the same bytes that are stored again have another one. Bounded: some hundred kilobytes.
 * Thread-safe: what changes is under this object's private lock.
 */
final class Fingerprints {
  private static final int FILES_MAX = 2048;

  private final Object lock = new Object();
  private final Map<LtxFile, Noted> byFile =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<LtxFile, Noted> eldest) {
          return size() > FILES_MAX;
        }
      };

  /** When a file was made, by its header, and the checksum of all of it. */
  record Fingerprint(long timestampMillis, long fileChecksum) {}

  private record Noted(Fingerprint fingerprint, boolean isProven) {}

  void note(LtxFile file, Fingerprint fingerprint) {
    synchronized (lock) {
      byFile.put(file, new Noted(fingerprint, isProven(file)));
    }
  }

  /** Notes a file of which all was read, and its checksum was right. */
  void noteProven(LtxFile file, Fingerprint fingerprint) {
    synchronized (lock) {
      byFile.put(file, new Noted(fingerprint, true));
    }
  }

  /** Returns whether all of a file was read and its checksum was right, as far as is remembered. */
  boolean isProven(LtxFile file) {
    synchronized (lock) {
      Noted noted = byFile.get(file);
      return noted != null && noted.isProven();
    }
  }

  Optional<Fingerprint> of(LtxFile file) {
    synchronized (lock) {
      return Optional.ofNullable(byFile.get(file)).map(Noted::fingerprint);
    }
  }
}
