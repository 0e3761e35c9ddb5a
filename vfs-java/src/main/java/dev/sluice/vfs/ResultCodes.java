package dev.sluice.vfs;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;

/** The one table from what goes wrong in Java to SQLite's result codes. */
final class ResultCodes {
  static final int OK = 0;
  static final int ERROR = 1;
  static final int BUSY = 5;
  static final int NOMEM = 7;
  static final int INTERRUPT = 9;
  static final int CANTOPEN = 14;
  static final int IOERR_READ = 10 | (1 << 8);
  static final int IOERR_LOCK = 10 | (15 << 8);

  private ResultCodes() {}

  /** Returns what a failed xOpen answers. */
  static int ofOpen(Throwable failure) {
    return of(failure, CANTOPEN);
  }

  /**
   * Returns what a failed pin answers: a replica that cannot be read any more is no lock's fault.
   */
  static int ofPin(Throwable failure) {
    return of(failure, failure instanceof IOException ? IOERR_READ : IOERR_LOCK);
  }

  /** Returns the code of what any call may meet, else {@code otherwise}. */
  static int of(Throwable failure, int otherwise) {
    if (failure instanceof OutOfMemoryError) {
      return NOMEM;
    }
    return isInterrupt(failure) ? INTERRUPT : otherwise;
  }

  /**
   * A socket's time-out is an InterruptedIOException too, of a subtype; nobody was interrupted
   * there.
   */
  private static boolean isInterrupt(Throwable failure) {
    return failure.getClass() == InterruptedIOException.class
        || failure instanceof ClosedByInterruptException
        || failure instanceof InterruptedException;
  }
}
