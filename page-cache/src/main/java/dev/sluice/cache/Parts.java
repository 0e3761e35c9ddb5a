package dev.sluice.cache;

import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Retries;
import java.io.InterruptedIOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.function.LongSupplier;

/**
 * What all that opens, follows and mends the views of one replica shares.
 *
 * @param source with a client that makes one attempt for each call
 * @param retries for listings and files
 * @param executor for work that no caller's thread does; ended by the replica
 * @param closing opens when nobody wants anything any more
 * @param ticker nanoseconds that never go back, for lag and ages
 */
record Parts(
    Source source,
    Retries retries,
    ExecutorService executor,
    CountDownLatch closing,
    LongSupplier ticker,
    History history,
    Identity identity,
    StoreUpkeep storeUpkeep,
    InFlight inFlight,
    Troubles troubles,
    Announcer announcer) {

  String location() {
    return source.location();
  }

  /** Returns what to say to those for whom a thread of ours worked that was interrupted. */
  ReplicaException closed(InterruptedIOException interrupt) {
    return new ReplicaException.Unavailable(location() + ": closed meanwhile", interrupt);
  }

  void requireOpen() throws ReplicaException {
    if (closing.getCount() == 0) {
      throw new ReplicaException.Unavailable(location() + ": closed meanwhile");
    }
  }
}
