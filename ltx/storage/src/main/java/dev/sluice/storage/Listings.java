package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Listings of more than one level. */
public final class Listings {

  private Listings() {}

  /**
   * Lists all levels at once, in one round: what a {@link RestorePlan} is made from. Ascending by
   * level, then as {@link ReplicaClient#list} orders them. The first failure is the failure of all;
   * cancelling cancels all.
   */
  public static CompletableFuture<List<LtxFile>> all(ReplicaClient client) {
    List<CompletableFuture<List<LtxFile>>> levels = new ArrayList<>();
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      levels.add(client.list(level, Txid.FIRST));
    }
    return Futures.map(Futures.all(levels), lists -> lists.stream().flatMap(List::stream).toList());
  }
}
