package dev.sluice.replicator.capture;

import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalReader;
import java.io.IOException;
import java.util.Optional;

/**
 * How far the WAL goes at one moment: SQLite's answer, and the generation that it speaks of.
 * Immutable.
 *
 * @param header empty if there is no WAL, or none with a frame that counts
 */
record WalLook(Optional<WalHeader> header, Checkpoint checkpoint) {
  private static final int TRIES = 1000;

  /**
   * Asks between two looks at the header that say the same: a number of frames means nothing
   * without its generation.
   */
  static WalLook of(WalReader wal, PrimaryConnections connections) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      Optional<WalHeader> before = wal.header();
      Checkpoint answer = connections.look();
      if (before.equals(wal.header())) {
        boolean hasFrames = answer.mxFrame() > 0;
        return new WalLook(before.filter(header -> hasFrames), answer);
      }
    }
    throw new IOException("the WAL was reset at each of " + TRIES + " looks");
  }
}
