package dev.sluice.storage;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs the blocking calls of one client on a few threads of its own, each as a future that can be
 * cancelled. Idle threads end by themselves. Thread-safe.
 */
final class FileTasks {
  private static final int THREADS = 4;
  private static final long IDLE_SECONDS = 5;

  private final String location;
  private final ThreadPoolExecutor threads;

  FileTasks(String location) {
    this.location = location;
    this.threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(work, "replica " + location);
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
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
    try {
      threads.execute(task);
    } catch (RejectedExecutionException e) {
      task.failClosed();
    }
  }

  /** Fails what waits; what runs ends with its system call, which nothing can shorten. */
  void close() {
    threads.shutdown();
    for (Runnable waiting = threads.getQueue().poll();
        waiting != null;
        waiting = threads.getQueue().poll()) {
      if (waiting instanceof AbstractTask<?> task) {
        task.failClosed();
      }
    }
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
      threads.remove(this);
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
