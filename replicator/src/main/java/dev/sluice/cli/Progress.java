package dev.sluice.cli;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * One line on a terminal that says how far a long command is, written over itself. Confined to one
 * thread at a time.
 */
final class Progress {
  private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final PrintStream err;
  private final boolean isShown;
  private final LongSupplier ticker;
  private long shownAt;
  private boolean hasLine;

  Progress(PrintStream err, boolean isShown, LongSupplier ticker) {
    this.err = err;
    this.isShown = isShown;
    this.ticker = ticker;
    this.shownAt = ticker.getAsLong() - STEP_NANOS;
  }

  /** Shows that {@code done} of {@code total} bytes are read, as often as a person can see. */
  void bytes(long done, long total) {
    long now = ticker.getAsLong();
    if (isShown && (done == total || now - shownAt >= STEP_NANOS)) {
      shownAt = now;
      hasLine = true;
      long percent = total == 0 ? 100 : done * 100 / total;
      err.print(
          CLEAR_LINE
              + "restore: read "
              + megabytes(done)
              + " of "
              + megabytes(total)
              + " MB, "
              + percent
              + " %");
      err.flush();
    }
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f", bytes / 1e6);
  }

  /** Takes the line away. */
  void clear() {
    if (hasLine) {
      hasLine = false;
      err.print(CLEAR_LINE);
      err.flush();
    }
  }
}
