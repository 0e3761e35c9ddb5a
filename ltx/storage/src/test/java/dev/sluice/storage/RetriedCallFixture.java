package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** What tests of retried calls have in common: a storage that answers as told, and its time. */
abstract class RetriedCallFixture {
  static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  static final LtxFile FILE = new LtxFile(NAME, 100, Instant.EPOCH, "v");

  final VirtualTime time = new VirtualTime();
  final ScriptedReplicaClient inner = new ScriptedReplicaClient();

  static <F extends Exception> F failure(Class<F> type, CompletableFuture<?> future) {
    assertTrue(future.isDone(), "still under way");
    CompletionException e = assertThrows(CompletionException.class, future::join);
    return assertInstanceOf(type, e.getCause());
  }
}
