package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.util.List;

/**
 * How a follower learns what files there are.
 *
 * <p>Not for deciding anything: what follows, what is the same replica and what is a gap is the
 * follower's affair. Confined to one thread at a time, {@link #learn} excepted.
 */
interface Lookout {

  /**
   * What was seen.
   *
   * @param files ascending by level, then by min and max TXID
   * @param isComplete whether these are all the files of all levels; else files that are not among
   *     them may exist, new ones too
   * @param askedNanos on the ticker's scale, before the storage was asked: every file that was
   *     there then, of what was looked at, is among the files
   */
  record News(List<LtxFile> files, boolean isComplete, long askedNanos) {}

  /**
   * Looks for new files, cheaply.
   *
   * @param client makes one attempt for each call
   */
  News look(ReplicaClient client, Deadline deadline) throws IOException;

  /** Looks at everything. */
  News lookAtAll(ReplicaClient client, Deadline deadline) throws IOException;

  /** Takes files that were seen and read: looks need not bring them again, but for the newest. */
  void learn(List<LtxFile> files, boolean isComplete);
}
