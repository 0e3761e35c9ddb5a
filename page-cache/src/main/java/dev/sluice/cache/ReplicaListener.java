package dev.sluice.cache;

import java.io.IOException;

/**
 * Is told what happens to the replicas of a process: for metrics and for the curious.
 *
 * <p>Called on threads of ours, several at a time, outside of every lock. It must not block: a
 * replica does not follow while its listener works. What it throws is logged and changes nothing.
 *
 * <p>It is not for how a replica is now: {@link Replica} says that when asked.
 */
public interface ReplicaListener {

  /** One that does nothing. */
  ReplicaListener NONE = new ReplicaListener() {};

  /** A replica has been made, and no request yet. */
  default void opened(Replica replica) {}

  /** The last user of a replica has let go of it. */
  default void closed(Replica replica) {}

  /** A view has become the latest: transactions that begin from now on read it. */
  default void published(Replica replica, View view) {}

  /** The page store holds all of a view, and each of its files was proven. */
  default void hydrated(Replica replica, View view) {}

  /** So many pages of open views are read from another file from now on. */
  default void relocated(Replica replica, long pages) {}

  /** So many pages that only expiring files held were kept for views that are pinned. */
  default void rescued(Replica replica, long pages) {}

  /** A look for new transactions, or a read, has failed. */
  default void failed(Replica replica, IOException failure) {}

  /**
   * The storage no longer has what this replica followed: those who have it open get this failure
   * until they open anew.
   */
  default void ended(Replica replica, ViewException reason) {}
}
