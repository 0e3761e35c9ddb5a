package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Files of a spool that the replica has, too: what the next compaction reads need not be fetched,
 * while there is little of it. Confined to the database's step.
 */
final class KeptFiles {
  private static final long BYTES_MAX = 64L << 20;

  private final Spool spool;
  private final long bytesMax;
  private final Deque<SpooledFile> files = new ArrayDeque<>();
  private long bytes;

  /**
   * @param spoolBytesMax what all of the spool may have
   */
  KeptFiles(Spool spool, long spoolBytesMax) {
    this.spool = spool;
    this.bytesMax = Math.min(BYTES_MAX, spoolBytesMax / 4);
  }

  /** Keeps a file, which comes after the others. */
  void add(SpooledFile file) {
    files.add(file);
    bytes += file.bytes();
  }

  /**
   * Deletes what is compacted, and what there is too much of.
   *
   * @param compacted the last TXID that no compaction reads any more
   */
  void delete(Txid compacted) throws IOException {
    while (!files.isEmpty() && (bytes > bytesMax || !files.getFirst().txid().isAfter(compacted))) {
      SpooledFile file = files.removeFirst();
      bytes -= file.bytes();
      spool.delete(file.txid());
    }
  }
}
