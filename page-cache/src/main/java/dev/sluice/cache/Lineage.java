package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Tells whether a listing is of the replica that was read so far: a TXID is not an identity, for a
 * prefix can be deleted and begun anew.
 *
 * <p>A listing with one of the files known before, unchanged, is of the same history. One with a
 * file of the same name and another size or version is not, and one with none of them proves
 * nothing. A file is known once it was read, or was the same in two complete listings: one that is
 * being written looks like another each time. The newest files of each level are remembered, so
 * that something is left to compare after compaction and retention. Thread-safe: what changes is
 * under this object's private lock.
 */
final class Lineage {
  private static final int FILES_A_LEVEL = 64;

  private static final Comparator<LtxFile> NEWEST_FIRST =
      Comparator.<LtxFile, Txid>comparing(file -> file.name().range().max()).reversed();

  private final Object lock = new Object();
  private Map<LtxFileName, LtxFile> remembered = Map.of();

  /** The files of the last complete listing. */
  private Map<LtxFileName, LtxFile> seen = Map.of();

  /** What a listing says. */
  sealed interface Verdict {}

  /** It is the same replica, or nothing is remembered. */
  record Same() implements Verdict {}

  /** It is another: the file as it was and as it is. */
  record Other(LtxFile before, LtxFile now) implements Verdict {}

  /** It has none of the files that are remembered. */
  record Unknown() implements Verdict {}

  /** Takes files that were read; the first ones are of the replica that is meant. */
  void know(Collection<LtxFile> read) {
    synchronized (lock) {
      Map<LtxFileName, LtxFile> known = new HashMap<>(remembered);
      read.forEach(file -> known.put(file.name(), file));
      remembered = newest(known.values());
    }
  }

  /**
   * Compares a listing with what is known. Before {@link #know} every listing is of the same
   * replica.
   *
   * @param isComplete whether it is of all levels
   */
  Verdict compare(Collection<LtxFile> listed, boolean isComplete) {
    synchronized (lock) {
      if (remembered.isEmpty()) {
        return new Same();
      }
      boolean isSame = false;
      for (LtxFile file : listed) {
        Optional<LtxFile> before = Optional.ofNullable(remembered.get(file.name()));
        if (before.isPresent() && !isSameFile(before.get(), file)) {
          return new Other(before.get(), file);
        }
        isSame |= before.isPresent();
      }
      if (!isSame) {
        return new Unknown();
      }
      if (isComplete) {
        remembered =
            newest(
                listed.stream()
                    .filter(file -> isIn(remembered, file) || isIn(seen, file))
                    .toList());
        seen = newest(listed);
      }
      return new Same();
    }
  }

  private static boolean isIn(Map<LtxFileName, LtxFile> files, LtxFile file) {
    LtxFile known = files.get(file.name());
    return known != null && isSameFile(known, file);
  }

  private static boolean isSameFile(LtxFile before, LtxFile now) {
    return before.size() == now.size() && before.version().equals(now.version());
  }

  private static Map<LtxFileName, LtxFile> newest(Collection<LtxFile> files) {
    return files.stream()
        .collect(Collectors.groupingBy(file -> file.name().level()))
        .values()
        .stream()
        .flatMap(level -> level.stream().sorted(NEWEST_FIRST).limit(FILES_A_LEVEL))
        .collect(Collectors.toMap(LtxFile::name, file -> file));
  }
}
