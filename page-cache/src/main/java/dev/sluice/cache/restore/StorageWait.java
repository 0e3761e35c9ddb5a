package dev.sluice.cache.restore;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a follower's thread does while nothing of the copy is being written: waits for the storage,
 * fetches, plans. Another thread may break it off, by an interrupt that goes no further.
 * Thread-safe.
 */
final class StorageWait {
  private final Path copy;

  // Both change under the lock of this object.
  private Optional<Thread> waiting = Optional.empty();
  private boolean isStopped;

  StorageWait(Path copy) {
    this.copy = copy;
  }

  /** Something that ends when its thread is interrupted. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws IOException;
  }

  /**
   * Runs it.
   *
   * @throws CopyTransaction.ClosingException if it was stopped, now or before
   */
  <T> T run(Work<T> work) throws IOException {
    begin();
    try {
      return work.run();
    } catch (IOException e) {
      if (isStopped()) {
        throw new CopyTransaction.ClosingException(copy, e);
      }
      throw e;
    } finally {
      end();
    }
  }

  private synchronized void begin() throws CopyTransaction.ClosingException {
    if (isStopped) {
      throw new CopyTransaction.ClosingException(copy);
    }
    waiting = Optional.of(Thread.currentThread());
  }

  private synchronized void end() {
    waiting = Optional.empty();
    if (isStopped) {
      boolean unused = Thread.interrupted(); // what follows is to be ended in order
    }
  }

  private synchronized boolean isStopped() {
    return isStopped;
  }

  /** Breaks off what runs, and has nothing else begin. */
  synchronized void stop() {
    isStopped = true;
    waiting.ifPresent(Thread::interrupt);
  }
}
