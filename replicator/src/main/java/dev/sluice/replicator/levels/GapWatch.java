package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether the newest state of a replica can be restored, and if not, which files that came
 * since may be the image that makes it restorable again. Says so once. Changes under its own lock;
 * thread-safe.
 */
final class GapWatch {
  private static final Logger log = LoggerFactory.getLogger(GapWatch.class);

  private final String location;
  private boolean hasGap;
  private Txid tried = Txid.NONE;

  GapWatch(String location) {
    this.location = location;
  }

  /** Looks again at what there is. */
  void look(HeldFiles held) {
    Txid newest = held.max();
    Txid reached = held.plan().txid();
    boolean isNews;
    synchronized (this) {
      isNews = hasGap != reached.isBefore(newest);
      hasGap = reached.isBefore(newest);
      tried = isNews ? newest : tried;
    }
    if (isNews && reached.isBefore(newest)) {
      log.error(
          "{}: nothing after TXID {} can be restored, though there are files up to {}: an image of"
              + " the database is needed",
          location,
          reached,
          newest);
    } else if (isNews) {
      log.info("{}: its newest state can be restored again", location);
    }
  }

  synchronized boolean hasGap() {
    return hasGap;
  }

  /** Returns the first file after the gap that has not been tried; empty if there is no gap. */
  synchronized Optional<HeldFile> candidate(HeldFiles held) {
    return hasGap
        ? held.level(0).stream().filter(file -> file.max().isAfter(tried)).findFirst()
        : Optional.empty();
  }

  synchronized void tried(Txid txid) {
    tried = txid;
  }
}
