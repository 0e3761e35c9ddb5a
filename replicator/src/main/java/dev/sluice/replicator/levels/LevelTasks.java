package dev.sluice.replicator.levels;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The three kinds of the upkeep, in the order in which they are done. Confined to whoever holds
 * their owner's lock, but for the references.
 */
record LevelTasks(LevelTask compaction, LevelTask snapshot, LevelTask expiry) {
  LevelTasks() {
    this(new LevelTask(), new LevelTask(), new LevelTask());
  }

  /** Returns when the first of them is to be done next. */
  Instant next() {
    Instant files = LevelSchedule.earlier(compaction.next(), snapshot.next());
    return LevelSchedule.earlier(files, expiry.next());
  }

  void dueAt(Instant ofCompaction, Instant ofSnapshot, Instant ofExpiry) {
    compaction.dueAt(ofCompaction);
    snapshot.dueAt(ofSnapshot);
    expiry.dueAt(ofExpiry);
  }

  /** Takes in that the clock was set. */
  void shift(Duration step) {
    compaction.shift(step);
    snapshot.shift(step);
    expiry.shift(step);
  }

  /**
   * Throws why the first fails that does, in its last run or in one before that is not made up for.
   */
  void requireWell() throws IOException {
    Optional<Exception> failure = compaction.failure().or(snapshot::failure).or(expiry::failure);
    if (failure.isPresent() && failure.get() instanceof IOException e) {
      throw e;
    }
    if (failure.isPresent() && failure.get() instanceof RuntimeException e) {
      throw e;
    }
  }
}
