package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Tells whether a listing is of the replica that was read so far: a TXID is not an identity, for a
 * prefix can be deleted and begun anew.
 *
 * <p>A listing with one of the files known before, unchanged, is of the same history. One with a
 * file that was read and has another content now is not, and one with none of them proves nothing.
 * A file is known once it was read, or was the same in two complete listings: one that is being
 * written looks like another each time. The newest files of each level are remembered, so that
 * something is left to compare after compaction and retention. Thread-safe: what changes is under
 * this object's private lock.
 */
final class Lineage {
  private static final int FILES_A_LEVEL = 64;

  private static final Comparator<Known> NEWEST_FIRST =
      Comparator.<Known, Txid>comparing(known -> known.file().name().range().max()).reversed();

  private final Object lock = new Object();
  private Map<LtxFileName, Known> remembered = Map.of();

  /** The files of the last complete listing. */
  private Map<LtxFileName, Known> seen = Map.of();

  /**
   * A file that is known.
   *
   * @param fingerprint its content's, if it was read; one that was not is no proof of another
   *     replica when it changes
   */
  record Known(LtxFile file, Optional<Fingerprints.Fingerprint> fingerprint) {

    private boolean is(LtxFile other) {
      return file.size() == other.size() && file.version().equals(other.version());
    }
  }

  /** What a listing says. */
  sealed interface Verdict {}

  /** It is the same replica, or nothing is remembered. */
  record Same() implements Verdict {}

  /** It is another, unless the content is the same: the file as it was, which was read, and is. */
  record Other(Known before, LtxFile now) implements Verdict {}

  /** It has none of the files that are remembered. */
  record Unknown() implements Verdict {}

  /** Returns the files that are remembered. */
  List<Known> remembered() {
    synchronized (lock) {
      return List.copyOf(remembered.values());
    }
  }

  /** Takes files that were read; the first ones are of the replica that is meant. */
  void know(Collection<Known> read) {
    synchronized (lock) {
      Map<LtxFileName, Known> known = new HashMap<>(remembered);
      read.forEach(each -> known.put(each.file().name(), each));
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
        Known before = remembered.get(file.name());
        if (before != null && before.is(file)) {
          isSame = true;
        } else if (before != null && before.fingerprint().isPresent()) {
          return new Other(before, file);
        }
      }
      if (!isSame) {
        return new Unknown();
      }
      if (isComplete) {
        remember(listed);
      }
      return new Same();
    }
  }

  /**
   * Returns up to which TXID what was known and a listing are one history: to the end of the last
   * file that is known and there unchanged. What comes after it may be a branch: a replica can be
   * set back, by hand or by a restore, and go on otherwise with its old files below.
   *
   * @return empty if nothing is known to be the same
   */
  Optional<Txid> provenUpTo(Collection<LtxFile> listed) {
    synchronized (lock) {
      return listed.stream()
          .filter(file -> find(remembered, file).isPresent())
          .map(file -> file.name().range().max())
          .max(Comparator.naturalOrder());
    }
  }

  /** Called under the lock. */
  private void remember(Collection<LtxFile> listed) {
    List<Known> known = new ArrayList<>();
    for (LtxFile file : listed) {
      find(remembered, file).or(() -> find(seen, file)).ifPresent(known::add);
    }
    remembered = newest(known);
    seen = newest(listed.stream().map(file -> new Known(file, Optional.empty())).toList());
  }

  private static Optional<Known> find(Map<LtxFileName, Known> files, LtxFile file) {
    return Optional.ofNullable(files.get(file.name())).filter(known -> known.is(file));
  }

  private static Map<LtxFileName, Known> newest(Collection<Known> files) {
    return files.stream()
        .collect(Collectors.groupingBy(known -> known.file().name().level()))
        .values()
        .stream()
        .flatMap(level -> level.stream().sorted(NEWEST_FIRST).limit(FILES_A_LEVEL))
        .collect(Collectors.toMap(known -> known.file().name(), known -> known));
  }
}
