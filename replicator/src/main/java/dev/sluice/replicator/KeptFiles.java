package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Files of a spool that the replica has, too: what the next compaction reads need not be fetched,
 * while there is little of it. Confined to the database's step; a job deletes them.
 */
final class KeptFiles {
  private static final long BYTES_MAX = 64L << 20;

  private final Spool spool;
  private final Workers workers;
  private final Jobs jobs;
  private final long bytesMax;
  private final Deque<SpooledFile> files = new ArrayDeque<>();
  private Optional<CompletableFuture<Boolean>> deleting = Optional.empty();
  private long bytes;

  KeptFiles(Spool spool, OpenDatabase.Setup setup) {
    this.spool = spool;
    this.workers = setup.workers();
    this.jobs = setup.jobs();
    this.bytesMax = Math.min(BYTES_MAX, setup.settings().spoolBytesMax() / 4);
  }

  /** Keeps a file, which comes after the others. */
  void add(SpooledFile file) {
    files.add(file);
    bytes += file.bytes();
  }

  /**
   * Has deleted what is compacted, and what there is too much of.
   *
   * @param compacted the last TXID that no compaction reads any more
   */
  void delete(Txid compacted) {
    if (isBusy()) {
      return;
    }
    List<SpooledFile> over = new ArrayList<>();
    while (!files.isEmpty() && (bytes > bytesMax || !files.getFirst().txid().isAfter(compacted))) {
      SpooledFile file = files.removeFirst();
      bytes -= file.bytes();
      over.add(file);
    }
    if (!over.isEmpty()) {
      deleting = Optional.of(jobs.begin(workers.local(), () -> delete(over)));
    }
  }

  /** One that stays is deleted when the spool is opened. */
  private void delete(List<SpooledFile> over) throws IOException {
    for (SpooledFile file : over) {
      spool.delete(file.txid());
    }
  }

  /** Returns the job that deletes, or was the last to. */
  CompletableFuture<?> deleting() {
    return deleting.isPresent() ? deleting.get() : CompletableFuture.completedFuture(true);
  }

  /** Returns whether a job is deleting. */
  boolean isBusy() {
    return deleting.isPresent() && !deleting.get().isDone();
  }
}
