package dev.sluice.replicator;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads for what waits for storages: one that hangs keeps no more than its share of them, so
 * that others are not waited for. What was accepted is done, but for {@link #drop}. Thread-safe.
 */
final class StorageThreads {
  private static final Logger log = LoggerFactory.getLogger(StorageThreads.class);

  private final ExecutorService threads;
  private final int share;

  /** Its monitor guards what is below as well. */
  private final Map<String, Line> lines = new HashMap<>();

  private final Set<Thread> working = new HashSet<>();
  private boolean isHurried;

  /** How much of one storage is under way, and what is next; the map's monitor guards it. */
  private static final class Line {
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int running;
  }

  /**
   * @param threads not used by anybody else
   * @param share how many of the threads one storage has at most
   */
  StorageThreads(ExecutorService threads, int share) {
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
    Optional<Runnable> next = Optional.of(work);
    while (next.isPresent()) {
      attend(next.get());
      next = next(storage).filter(it -> !isHandedOn(storage, it));
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

  /** Other storages have their turn before it; where no thread takes it, this one does. */
  private boolean isHandedOn(String storage, Runnable next) {
    try {
      threads.execute(() -> run(storage, next));
      return true;
    } catch (RejectedExecutionException | OutOfMemoryError e) { // all ends; or no thread begins
      return false;
    }
  }

  /** Only what runs in here is interrupted. */
  @SuppressWarnings("EmptyCatch")
  private void attend(Runnable work) {
    begin();
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      try {
        log.error("a job failed", e);
      } catch (OutOfMemoryError none) {
        // What waits is done all the same.
      }
    } finally {
      end();
    }
  }

  private void begin() {
    synchronized (lines) {
      working.add(Thread.currentThread());
      if (isHurried) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void end() {
    synchronized (lines) {
      working.remove(Thread.currentThread());
      boolean unused = Thread.interrupted(); // it was for what has ended
    }
  }

  /** Takes little more, and interrupts what is under way; what waits is done. */
  void shutdown() {
    threads.shutdown();
    interrupt();
  }

  /** Interrupts what is under way, and all that is still to come when it begins. */
  void hurry() {
    synchronized (lines) {
      isHurried = true;
    }
    interrupt();
  }

  private void interrupt() {
    synchronized (lines) {
      working.forEach(Thread::interrupt);
    }
  }

  /** Interrupts what is under way; what waits is not done. */
  void drop() {
    synchronized (lines) {
      lines.values().forEach(line -> line.waiting.clear());
    }
    threads.shutdownNow();
  }
}
