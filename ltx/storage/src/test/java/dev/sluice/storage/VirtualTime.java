package dev.sluice.storage;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * A clock and a scheduler that a test moves on by hand; tasks run on the test's thread. Confined to
 * one thread.
 */
final class VirtualTime extends AbstractExecutorService implements ScheduledExecutorService {
  private final List<Task<?>> tasks = new ArrayList<>();
  private long nanos = 1_000;

  long nanos() {
    return nanos;
  }

  /** Lets time pass, and runs what falls due on the way at its own instant. */
  void advanceMillis(long millis) {
    long end = nanos + millis * 1_000_000;
    while (true) {
      Task<?> next =
          tasks.stream()
              .filter(task -> task.due <= end)
              .min(Comparator.comparingLong(task -> task.due))
              .orElse(null);
      if (next == null) {
        nanos = end;
        return;
      }
      tasks.remove(next);
      nanos = Math.max(nanos, next.due);
      next.run();
    }
  }

  /** Returns how many tasks still wait that nobody has cancelled. */
  long waiting() {
    return tasks.stream().filter(task -> !task.isCancelled()).count();
  }

  private final class Task<V> extends FutureTask<V> implements ScheduledFuture<V> {
    private final long due;

    Task(Callable<V> work, long due) {
      super(work);
      this.due = due;
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(due - nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  @Override
  public <V> ScheduledFuture<V> schedule(Callable<V> work, long delay, TimeUnit unit) {
    Task<V> task = new Task<>(work, nanos + unit.toNanos(delay));
    tasks.add(task);
    return task;
  }

  @Override
  public ScheduledFuture<?> schedule(Runnable work, long delay, TimeUnit unit) {
    return schedule(
        () -> {
          work.run();
          return Boolean.TRUE;
        },
        delay,
        unit);
  }

  @Override
  public ScheduledFuture<?> scheduleAtFixedRate(
      Runnable work, long first, long period, TimeUnit unit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public ScheduledFuture<?> scheduleWithFixedDelay(
      Runnable work, long first, long delay, TimeUnit unit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void execute(Runnable work) {
    work.run();
  }

  @Override
  public void shutdown() {}

  @Override
  public List<Runnable> shutdownNow() {
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return false;
  }

  @Override
  public boolean isTerminated() {
    return false;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return false;
  }
}
