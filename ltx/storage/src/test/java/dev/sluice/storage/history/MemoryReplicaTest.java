package dev.sluice.storage.history;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClientContract;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The contract, in memory, and listings that lag behind. */
class MemoryReplicaTest extends ReplicaClientContract {
  private final MemoryReplica replica = new MemoryReplica("memory:contract");

  @Override
  protected ReplicaClient openClient() {
    return replica.open();
  }

  @Override
  protected Layout layout() {
    return Layout.DIRECTORY;
  }

  @Override
  protected void put(String key, byte[] content) {
    String[] parts = key.split("/", -1);
    int level = Integer.parseInt(parts[1]);
    Layout.parseKey(Layout.DIRECTORY.prefix("", level), level, key)
        .ifPresent(name -> replica.put(name, content, Instant.EPOCH));
  }

  @Override
  protected String threadName() {
    return "a client without threads";
  }

  @Test
  void aDelayedChangeIsListedAfterThatManyOperationsAndReadAtOnce() throws Exception {
    LtxFile early = putFile(name(0, 1, 1), bytes(10));
    replica.delayListings(() -> 4);
    LtxFile late = replica.put(name(0, 2, 2), bytes(20), Instant.EPOCH);
    replica.delete(List.of(early.name()));
    assertEquals(20, get(client().read(late, 0, 20)).length);
    assertEquals(List.of(early.name()), list());
    assertEquals(List.of(early.name(), late.name()), list());
    assertEquals(List.of(late.name()), list());
    assertEquals(List.of(late), replica.files(0));
  }

  @Test
  void whatHappensToOneNameIsListedInItsOrder() throws Exception {
    replica.delayListings(() -> 100);
    LtxFile first = replica.put(name(0, 1, 1), bytes(10), Instant.EPOCH);
    replica.delayListings(() -> 0);
    LtxFile second = replica.put(name(0, 1, 1), bytes(11), Instant.EPOCH);
    replica.delete(List.of(second.name()));
    assertEquals(List.of(), list());
    replica.catchUp();
    assertEquals(List.of(), list());
    LtxFile third = replica.put(first.name(), bytes(12), Instant.EPOCH);
    assertEquals(List.of(third), get(client().list(0, Txid.FIRST)));
  }

  private List<LtxFileName> list() throws Exception {
    return get(client().list(0, Txid.FIRST)).stream().map(LtxFile::name).toList();
  }
}
