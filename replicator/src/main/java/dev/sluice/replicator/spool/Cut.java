package dev.sluice.replicator.spool;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Optional;

/**
 * A cut that has been decided and not been made yet: what it holds does not change any more, while
 * the spool takes further frames behind it. {@link #write} may run on another thread than the
 * spool's, one at a time.
 */
public final class Cut {
  // Its state and content change under its own lock, never held during I/O.

  private final CutWriter writer;
  private Optional<CutContent> content;
  private State state = State.PENDING;

  private enum State {
    PENDING,
    WRITING,
    WRITTEN,
    HELD,
    REPLACED
  }

  Cut(CutWriter writer, CutContent content) {
    this.writer = writer;
    this.content = Optional.of(content);
  }

  /**
   * Writes the LTX file with the next TXID, and makes it count; after a failure it may be called
   * again. Does nothing while a repair is being cut in its place, which takes long: if that fails
   * this is still to be written.
   *
   * @return the record of the last cut that is on disk
   * @throws SpoolException.Unknown after a failure that only opening the spool anew can resolve
   * @throws IOException from the file system; nothing counts that did not before
   */
  public CutRecord write() throws IOException {
    Optional<CutContent> taken = begin();
    if (taken.isEmpty()) {
      return writer.last();
    }
    State after = State.PENDING;
    try {
      CutRecord record = writer.write(taken.get());
      after = State.WRITTEN;
      return record;
    } finally {
      end(after);
    }
  }

  private synchronized Optional<CutContent> begin() {
    if (state == State.HELD || state == State.REPLACED) {
      return Optional.empty();
    }
    if (state != State.PENDING) {
      throw new IllegalStateException("write() of a cut that is " + state);
    }
    state = State.WRITING;
    return content;
  }

  private synchronized void end(State after) {
    state = after;
    notifyAll();
    if (after == State.WRITTEN || after == State.REPLACED) {
      content = Optional.empty();
    }
  }

  /** Returns whether {@link #write} has succeeded. */
  public synchronized boolean isWritten() {
    return state == State.WRITTEN;
  }

  /** Returns whether nothing is to be done for it any more. */
  synchronized boolean isOver() {
    return state == State.WRITTEN || state == State.REPLACED;
  }

  /** Returns the bytes of the log files that go when this is written. */
  synchronized long logBytes() {
    return content.stream().flatMap(cut -> cut.logs().stream()).mapToLong(LogFile::size).sum();
  }

  /**
   * Keeps this from being written, until {@link #replaced} or {@link #letGo}. Waits while it is
   * being written.
   *
   * @return the log files that go when this is written; none if it is
   * @throws InterruptedIOException if the thread is interrupted meanwhile
   */
  synchronized List<LogFile> hold() throws InterruptedIOException {
    while (state == State.WRITING) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while a cut was being written");
      }
    }
    if (state == State.PENDING) {
      state = State.HELD;
    }
    return content.map(CutContent::logs).orElse(List.of());
  }

  /** Gives up for good: what this holds is in another cut. */
  synchronized void replaced() {
    end(state == State.HELD ? State.REPLACED : state);
  }

  /** Lets this be written again. */
  synchronized void letGo() {
    end(state == State.HELD ? State.PENDING : state);
  }
}
