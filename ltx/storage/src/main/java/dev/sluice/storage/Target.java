package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.time.Instant;

/** Which state of a database is meant. */
public sealed interface Target {

  /** A target that a {@link RestorePlan} can be made for from file names alone. */
  sealed interface ByTxid extends Target {}

  /** The newest state there is. */
  record Latest() implements ByTxid {
    @Override
    public String toString() {
      return "the latest TXID";
    }
  }

  /** The state after exactly this TXID. */
  record AtTxid(Txid txid) implements ByTxid {
    @Override
    public String toString() {
      return "TXID " + txid;
    }
  }

  /** The newest state strictly before an instant; {@link TimeTarget} finds its TXID. */
  record Before(Instant time) implements Target {
    @Override
    public String toString() {
      return "the state before " + time;
    }
  }
}
