package dev.sluice.replicator;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * The threads for what waits for storages: one that hangs keeps no more than its share of them, so
 * that others are not waited for. Thread-safe.
 */
final class StorageThreads {
  private final Executor threads;
  private final int share;
  private final Map<String, Line> lines = new HashMap<>();

  /** How much of one storage is under way, and what is next; the map's monitor guards it. */
  private static final class Line {
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int running;
  }

  /**
   * @param share how many of the threads one storage has at most
   */
  StorageThreads(Executor threads, int share) {
    this.threads = threads;
    this.share = share;
  }

  /**
   * Returns the threads of one storage.
   *
   * @param storage names it
   */
  Executor of(String storage) {
    return work -> execute(storage, work);
  }

  private void execute(String storage, Runnable work) {
    synchronized (lines) {
      Line line = lines.computeIfAbsent(storage, name -> new Line());
      if (line.running == share) {
        line.waiting.add(work);
        return;
      }
      threads.execute(() -> run(storage, work)); // or is refused, when all ends
      line.running++;
    }
  }

  private void run(String storage, Runnable work) {
    try {
      work.run();
    } finally {
      next(storage).ifPresent(next -> threads.execute(() -> run(storage, next)));
    }
  }

  private Optional<Runnable> next(String storage) {
    synchronized (lines) {
      Line line = lines.computeIfAbsent(storage, name -> new Line());
      Optional<Runnable> next = Optional.ofNullable(line.waiting.poll());
      if (next.isEmpty()) {
        line.running--;
      }
      if (line.running == 0) {
        lines.remove(storage);
      }
      return next;
    }
  }
}
