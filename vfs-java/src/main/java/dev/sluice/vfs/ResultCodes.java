package dev.sluice.vfs;

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
    return common(failure, CANTOPEN);
  }

  /** Returns what a failed xRead answers. */
  static int ofRead(Throwable failure) {
    return common(failure, IOERR_READ);
  }

  /** Returns what a failed pin answers. */
  static int ofPin(Throwable failure) {
    return common(failure, IOERR_LOCK);
  }

  private static int common(Throwable failure, int otherwise) {
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
