package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * TXIDs at which the history of a replica begins anew with an image of which there is a snapshot:
 * no compaction reaches across. Changes under its own lock; thread-safe.
 */
final class Beginnings {
  private final Set<Txid> txids = new HashSet<>();

  synchronized void add(Txid txid) {
    txids.add(txid);
  }

  /** Forgets all but some. */
  synchronized void retain(Collection<Txid> kept) {
    txids.retainAll(kept);
  }

  synchronized Set<Txid> all() {
    return Set.copyOf(txids);
  }
}
