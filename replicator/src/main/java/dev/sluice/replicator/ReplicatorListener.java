package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import java.nio.file.Path;

/**
 * Hears of what a {@link Replicator} does, on its threads: what takes long or throws here is the
 * listener's fault, and is logged.
 */
public interface ReplicatorListener {

  /** The replica has a TXID that it did not have before. */
  default void onUploaded(Path database, Txid txid) {}

  /** A database has come to another phase or trouble. */
  default void onStatus(DatabaseStatus status) {}
}
