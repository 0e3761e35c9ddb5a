package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Knows the replicas of this process, and what they have asked for. Thread-safe: under its lock.
 */
final class ReplicaWatch implements ReplicaListener, AutoCloseable {
  private static final long LIMIT_MILLIS = 20_000;

  private final List<Replica> all = new ArrayList<>();
  private final Set<Replica> open = new HashSet<>();

  ReplicaWatch() {
    Sluice.addListener(this);
  }

  @Override
  public synchronized void opened(Replica replica) {
    all.add(replica);
    open.add(replica);
  }

  @Override
  public synchronized void closed(Replica replica) {
    open.remove(replica);
    notifyAll();
  }

  /** Returns how many ranges of files were asked for so far. */
  synchronized long gets() {
    return all.stream().mapToLong(replica -> replica.requests().gets()).sum();
  }

  /** Waits until every replica was closed that was opened, with its page store. */
  synchronized void awaitClosed() throws InterruptedException {
    long begun = System.nanoTime();
    while (!open.isEmpty()) {
      wait(LIMIT_MILLIS);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
      assertTrue(open.isEmpty() || millis < LIMIT_MILLIS, "a replica does not end");
    }
  }

  @Override
  public void close() {
    Sluice.removeListener(this);
  }
}
