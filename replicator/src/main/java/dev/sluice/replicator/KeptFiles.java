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
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files of a spool that the replica has, too: what the next compaction reads need not be fetched,
 * while there is little of it. Confined to the database's step, but for {@link #bytes}; a job
 * deletes them.
 */
final class KeptFiles {
  private static final Logger log = LoggerFactory.getLogger(KeptFiles.class);
  private static final long BYTES_MAX = 64L << 20;

  private final Spool spool;
  private final Workers workers;
  private final Jobs jobs;
  private final long bytesMax;
  private final long spoolBytesMax;
  private final Deque<SpooledFile> files = new ArrayDeque<>();
  private Optional<CompletableFuture<Boolean>> deleting = Optional.empty();
  private final AtomicLong bytesThere = new AtomicLong();
  private long bytes;

  KeptFiles(Spool spool, OpenDatabase.Setup setup) {
    this.spool = spool;
    this.workers = setup.workers();
    this.jobs = setup.jobs();
    this.spoolBytesMax = setup.settings().spoolBytesMax();
    this.bytesMax = Math.min(BYTES_MAX, spoolBytesMax / 4);
  }

  /** Keeps a file, which comes after the others. */
  void add(SpooledFile file) {
    files.add(file);
    bytes += file.bytes();
    bytesThere.addAndGet(file.bytes());
  }

  /** Returns how much of the spool's disk waits for nothing; thread-safe. */
  long bytes() {
    return bytesThere.get();
  }

  /**
   * Has deleted what is compacted, and what there is too much of: all if the spool has no room.
   *
   * @param compacted the last TXID that no compaction reads any more
   */
  void delete(Txid compacted) {
    if (isBusy()) {
      return;
    }
    List<SpooledFile> over = new ArrayList<>();
    long max = !files.isEmpty() && spool.bytes() > spoolBytesMax ? 0 : bytesMax;
    while (!files.isEmpty() && (bytes > max || !files.getFirst().txid().isAfter(compacted))) {
      SpooledFile file = files.removeFirst();
      bytes -= file.bytes();
      over.add(file);
    }
    if (!over.isEmpty()) {
      deleting = Optional.of(jobs.begin(workers.local(), () -> delete(over)));
    }
  }

  /** One that stays is deleted when the spool is opened. */
  private void delete(List<SpooledFile> over) {
    boolean isSaid = false;
    for (SpooledFile file : over) {
      try {
        spool.delete(file.txid());
      } catch (IOException e) {
        if (!isSaid) { // what a disk does to one it does to all
          log.warn("delete {}, which the replica has: {}", file.path(), e.toString());
        }
        isSaid = true;
      } catch (RuntimeException | Error e) {
        log.error("delete {}", file.path(), e);
      }
      bytesThere.addAndGet(-file.bytes()); // the spool does not count it any more, either
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
