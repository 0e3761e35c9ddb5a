package dev.sluice.replicator.capture;

import dev.sluice.replicator.wal.WalFormatException;
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
   *
   * @throws CaptureException.Busy if SQLite does not say
   * @throws WalFormatException if there are frames, and the header stays none
   */
  static WalLook of(WalReader wal, PrimaryConnections connections) throws IOException {
    Optional<WalFormatException> malformed = Optional.empty();
    boolean isBusy = false;
    for (int i = 0; i < TRIES; i++) {
      Checkpoint answer = new Checkpoint(false, 0, 0);
      try {
        Optional<WalHeader> before = wal.header();
        answer = connections.look();
        if (!answer.isBusy()
            && answer.mxFrame() > 0
            && before.isPresent()
            && before.equals(wal.header())) {
          return new WalLook(before, answer);
        }
      } catch (WalFormatException e) { // it is being written, or is none
        malformed = Optional.of(e);
        answer = connections.look();
      }
      isBusy = answer.isBusy(); // a writer is changing the index: that says nothing of frames
      if (!isBusy && answer.mxFrame() == 0) {
        return new WalLook(Optional.empty(), answer);
      }
    }
    if (isBusy) {
      throw connections.busy("ask how far its WAL goes");
    }
    if (malformed.isPresent()) {
      throw malformed.get();
    }
    throw new IOException("the WAL was reset at each of " + TRIES + " looks");
  }
}
