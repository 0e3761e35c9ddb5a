package dev.sluice.cache;

/** Who makes a replica look for news. */
enum Following {
  /** A thread of its own, from the first view that is opened until the replica is closed. */
  BY_THREAD,

  /** Whoever calls {@link Replica#poll}, with everything that follows from it: for tests. */
  BY_HAND
}
