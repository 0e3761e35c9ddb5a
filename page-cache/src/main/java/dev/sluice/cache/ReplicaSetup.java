package dev.sluice.cache;

import java.util.function.LongSupplier;

/**
 * What a replica works with beside its storage and its options. Immutable.
 *
 * @param ticker nanoseconds that never go back: for lag, for ages, and for when to look; waits for
 *     the storage are on {@link System#nanoTime} in any case
 */
record ReplicaSetup(
    ReplicaListener listener, LongSupplier ticker, Following following, SourceRule rule) {

  /** Returns what holds outside of tests. */
  static ReplicaSetup standard(ReplicaListener listener) {
    return new ReplicaSetup(listener, System::nanoTime, Following.BY_THREAD, new SourceRule());
  }

  ReplicaSetup withTicker(LongSupplier other) {
    return new ReplicaSetup(listener, other, following, rule);
  }

  ReplicaSetup with(Following other) {
    return new ReplicaSetup(listener, ticker, other, rule);
  }

  ReplicaSetup with(SourceRule other) {
    return new ReplicaSetup(listener, ticker, following, other);
  }
}
