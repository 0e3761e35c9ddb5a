package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.upload.SecondWriterException;
import java.io.IOException;

/** Whether a spool goes on where the replica ends. */
final class Continuity {
  private Continuity() {}

  /** The spool does not go on where the replica ends: it is to be begun anew. */
  static final class BrokenException extends IOException {
    private static final long serialVersionUID = 1L;

    BrokenException(String message) {
      super(message);
    }
  }

  /**
   * Makes sure of it.
   *
   * @param newest the replica's newest TXID
   * @param last the newest TXID of ours that the replica may have
   * @param first the TXID that is to be shipped first
   * @throws SecondWriterException if the replica has what is not ours
   * @throws BrokenException if there is a gap between the two
   */
  static void require(Txid newest, Txid last, Txid first) throws IOException {
    if (newest.isAfter(last)) {
      throw new SecondWriterException(
          "the replica is at TXID "
              + newest
              + " and the spool at "
              + last
              + ": somebody else has written to it; \"sluice reset\" lets it go on from here");
    }
    if (first.isAfter(newest.next())) {
      throw new BrokenException(
          "the replica is at TXID " + newest + ", and the spool goes on at " + first);
    }
  }
}
