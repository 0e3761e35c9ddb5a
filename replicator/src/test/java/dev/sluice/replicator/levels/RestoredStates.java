package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.PageHistory;
import dev.sluice.storage.history.WholeFile;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** What a replica in memory can be restored to, and whether that is what it should be. */
final class RestoredStates {
  private final MemoryReplica replica;
  private final PageHistory history;
  private final Map<LtxFile, WholeFile> decoded = new HashMap<>();

  RestoredStates(MemoryReplica replica, PageHistory history) {
    this.replica = replica;
    this.history = history;
  }

  /** Returns every TXID that some of the files lead to, in the plainest way. */
  static SortedSet<Txid> reachable(Collection<LtxFile> files) {
    List<LtxFile> byMax =
        files.stream()
            .sorted(Comparator.comparing((LtxFile file) -> file.name().range().max()))
            .toList();
    SortedSet<Txid> reached = new TreeSet<>();
    for (LtxFile file : byMax) {
      Txid max = file.name().range().max();
      Txid before = reached.headSet(max).isEmpty() ? Txid.NONE : reached.headSet(max).last();
      if (file.name().range().follows(before)) {
        reached.add(max);
      }
    }
    return reached;
  }

  SortedSet<Txid> reachable() {
    return reachable(replica.files());
  }

  /** Checks the newest state there is, and every state of some TXIDs. */
  void requireExact(Collection<Txid> txids) throws PlanException {
    decoded.keySet().retainAll(replica.files());
    RestorePlan latest = RestorePlan.of(replica.files(), new Target.Latest());
    assertEquals(history.txid(), latest.txid(), "the newest state");
    requireExact(latest);
    for (Txid txid : txids) {
      requireExact(RestorePlan.of(replica.files(), new Target.AtTxid(txid)));
    }
  }

  private void requireExact(RestorePlan plan) {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    long commit = 0;
    for (LtxFile file : plan.files()) {
      WholeFile whole = decode(file);
      assertEquals(file.name().range(), whole.header().range(), file.toString());
      pages.putAll(whole.pages());
      commit = whole.header().commit();
      pages.tailMap(commit + 1).clear();
    }
    assertEquals(history.commit(plan.txid()), commit, plan::toString);
    for (long pgno = 1; pgno <= commit; pgno++) {
      assertArrayEquals(
          history.page(plan.txid(), pgno),
          Objects.requireNonNull(pages.get(pgno)),
          plan + " page " + pgno);
    }
  }

  private WholeFile decode(LtxFile file) {
    return decoded.computeIfAbsent(
        file, key -> WholeFile.decode(replica.content(key.name()).orElseThrow()));
  }
}
