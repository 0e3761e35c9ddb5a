package dev.sluice.storage;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs the blocking calls of one client, a few at a time, each as a future that can be cancelled.
 * The threads are shared by all clients of the process, so that a thousand replicas that have
 * something to do now and then need no thousand threads; idle ones end by themselves. Thread-safe.
 */
final class FileTasks {
  private static final int RUNNING_MAX = 4;
  private static final long IDLE_SECONDS = 5;

  /** As many as there are calls under way: one that hangs is in nobody else's way. */
  private static final ThreadPoolExecutor THREADS =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          work -> {
            Thread thread = new Thread(work, "sluice-directory");
            thread.setDaemon(true);
            return thread;
          });

  private final String location;

  // All below changes under the lock of this object.
  private final Deque<AbstractTask<?>> waiting = new ArrayDeque<>();
  private int runningCount;
  private boolean isClosed;

  FileTasks(String location) {
    this.location = location;
  }

  /** A blocking call to the file system. */
  interface Work<T> {
    T run() throws IOException;
  }

  /** A blocking call to the file system that gives nothing. */
  interface VoidWork {
    void run() throws IOException;
  }

  /**
   * @param what how a failure's message begins
   */
  <T> CompletableFuture<T> submit(String what, Work<T> work) {
    Task<T> task = new Task<>(what, work);
    start(task);
    return task;
  }

  CompletableFuture<Void> submitVoid(String what, VoidWork work) {
    VoidTask task = new VoidTask(what, work);
    start(task);
    return task;
  }

  private void start(AbstractTask<?> task) {
    boolean isRefused;
    synchronized (this) {
      isRefused = isClosed;
      if (!isRefused && runningCount == RUNNING_MAX) {
        waiting.add(task);
        return;
      }
      runningCount++; // of a closed client nobody counts
    }
    if (isRefused) {
      task.failClosed();
    } else {
      THREADS.execute(() -> runAll(task));
    }
  }

  /** Runs a task, and then those that wait. */
  private void runAll(AbstractTask<?> first) {
    Optional<AbstractTask<?>> task = Optional.of(first);
    while (task.isPresent()) {
      task.get().run();
      task = next();
    }
  }

  private synchronized Optional<AbstractTask<?>> next() {
    Optional<AbstractTask<?>> task = Optional.ofNullable(waiting.poll());
    if (task.isEmpty()) {
      runningCount--;
    }
    return task;
  }

  private synchronized void forget(AbstractTask<?> task) {
    waiting.remove(task);
  }

  /** Fails what waits; what runs ends with its system call, which nothing can shorten. */
  void close() {
    List<AbstractTask<?>> abandoned;
    synchronized (this) {
      isClosed = true;
      abandoned = List.copyOf(waiting);
      waiting.clear();
    }
    abandoned.forEach(AbstractTask::failClosed);
  }

  private abstract class AbstractTask<T> extends CompletableFuture<T> implements Runnable {
    final String what;

    AbstractTask(String what) {
      this.what = what;
    }

    abstract void runAndComplete() throws IOException;

    @Override
    public void run() {
      if (isDone()) {
        return;
      }
      try {
        runAndComplete();
      } catch (IOException e) {
        completeExceptionally(FileReplicaClient.replicaException(what, e));
      } catch (DirectoryIteratorException e) {
        completeExceptionally(
            FileReplicaClient.replicaException(what, Objects.requireNonNull(e.getCause())));
      } catch (RuntimeException | Error e) {
        completeExceptionally(e);
      }
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
      boolean isCancelled = super.cancel(mayInterrupt);
      forget(this);
      return isCancelled;
    }

    void failClosed() {
      completeExceptionally(
          new ReplicaException.Denied(what + ": the client of " + location + " is closed"));
    }
  }

  private final class Task<T> extends AbstractTask<T> {
    private final Work<T> work;

    Task(String what, Work<T> work) {
      super(what);
      this.work = work;
    }

    @Override
    void runAndComplete() throws IOException {
      T result = work.run();
      boolean isWanted = complete(result);
      if (!isWanted && result instanceof AutoCloseable unused) {
        closeUnused(unused);
      }
    }

    private void closeUnused(AutoCloseable unused) throws IOException {
      try {
        unused.close();
      } catch (IOException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private final class VoidTask extends AbstractTask<Void> {
    private final VoidWork work;

    VoidTask(String what, VoidWork work) {
      super(what);
      this.work = work;
    }

    @Override
    void runAndComplete() throws IOException {
      work.run();
      completeVoid();
    }

    @SuppressWarnings("NullAway") // the one value of Void
    private void completeVoid() {
      complete(null);
    }
  }
}
