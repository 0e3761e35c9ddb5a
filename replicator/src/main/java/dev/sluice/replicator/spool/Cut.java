package dev.sluice.replicator.spool;

import java.io.IOException;
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
    REPLACED
  }

  Cut(CutWriter writer, CutContent content) {
    this.writer = writer;
    this.content = Optional.of(content);
  }

  /**
   * Writes the LTX file with the next TXID, and makes it count; after a failure it may be called
   * again.
   *
   * @return the record, which is on disk
   * @throws SpoolException.Unknown after a failure that only opening the spool anew can resolve
   * @throws IOException from the file system; nothing counts that did not before
   */
  public CutRecord write() throws IOException {
    CutContent taken = begin();
    State after = State.PENDING;
    try {
      CutRecord record = writer.write(taken);
      after = State.WRITTEN;
      return record;
    } finally {
      end(after);
    }
  }

  private synchronized CutContent begin() {
    if (state != State.PENDING) {
      throw new IllegalStateException("write() of a cut that is " + state);
    }
    state = State.WRITING;
    return content.orElseThrow();
  }

  private synchronized void end(State after) {
    state = after;
    if (after == State.WRITTEN) {
      content = Optional.empty();
    }
  }

  /** Returns whether {@link #write} has succeeded. */
  public synchronized boolean isWritten() {
    return state == State.WRITTEN;
  }

  /** Returns the bytes of the log files that go when this is written. */
  synchronized long logBytes() {
    return content.stream().flatMap(cut -> cut.logs().stream()).mapToLong(LogFile::size).sum();
  }

  /**
   * Gives up in favour of another cut, and returns the log files that this one would have been done
   * with; none if it is written.
   */
  synchronized List<LogFile> replace() {
    if (state == State.WRITING) {
      throw new IllegalStateException("a cut is being written");
    }
    if (state == State.PENDING) {
      state = State.REPLACED;
    }
    return content.map(CutContent::logs).orElse(List.of());
  }
}
