package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Instant;

/**
 * A file that a replica holds. Immutable.
 *
 * @param since when it was stored, or at the latest was; of a snapshot, when it was made
 */
record HeldFile(LtxFileName name, Instant since) {

  Txid min() {
    return name.range().min();
  }

  Txid max() {
    return name.range().max();
  }

  /** Returns whether it may be applied to a history that ends at {@code last}. */
  boolean follows(Txid last) {
    return name.range().follows(last);
  }

  /** Returns the file as plans take it; not to be read by. */
  LtxFile forPlan() {
    return new LtxFile(name, 0, since, "not read by");
  }
}
