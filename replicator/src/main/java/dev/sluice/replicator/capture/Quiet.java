package dev.sluice.replicator.capture;

import java.util.Optional;

/**
 * What database and WAL were when everything in them was captured. Immutable.
 *
 * @param wal empty if there was none
 */
record Quiet(FileStat file, Optional<FileStat> wal) {

  /** Returns whether nobody wrote to either since. */
  boolean isUnwritten(Quiet now) {
    return file.isUnwritten(now.file()) && isSameWal(now.wal());
  }

  /** Returns whether nobody wrote to the WAL since, or made or deleted it. */
  boolean isSameWal(Optional<FileStat> now) {
    if (wal.isEmpty() || now.isEmpty()) {
      return wal.isEmpty() && now.isEmpty();
    }
    return wal.get().isUnwritten(now.get());
  }

  /** Returns whether there is a WAL with anything in it. */
  boolean hasWal() {
    return wal.filter(there -> there.size() > 0).isPresent();
  }
}
