package dev.sluice.replicator.capture;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What is done for a database to which nobody commits: a second after the last change the reader is
 * brought to where it hinders nobody; then, for as long as the files stay as they are, SQLite is
 * not asked any more; at last all that an idle database does not need is to be closed. Changes with
 * each look; confined to one thread at a time.
 */
final class Idleness {
  private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long REST_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final CaptureSettings settings;
  private final Checkpoints checkpoints;

  /** What database and WAL were when nothing happened any more; empty while something does. */
  private Optional<Quiet> quiet = Optional.empty();

  private long changedNanos;
  private long restedNanos;

  Idleness(CaptureSettings settings, Checkpoints checkpoints) {
    this.settings = settings;
    this.checkpoints = checkpoints;
  }

  /** Begins anew where a database was taken up just now. */
  void begin(Attachment held, long nowNanos) throws IOException {
    changedNanos = nowNanos;
    restedNanos = nowNanos - 1;
    quiet = held.isAtRest() ? held.quiet() : Optional.empty();
  }

  /** Takes note of how many frames have come: with any of them something has changed. */
  void taken(long frames, long nowNanos) {
    changedNanos = frames > 0 ? nowNanos : changedNanos;
  }

  /** Returns what database and WAL are for as long as nothing happens; empty while it does. */
  Optional<Quiet> quiet() {
    return quiet;
  }

  /** Takes note that all is as it was before a gap; or, if empty, that this is not known. */
  void setQuiet(Optional<Quiet> known) {
    quiet = known;
  }

  /**
   * Takes note that something was written.
   *
   * @throws BreakException if that was no commit
   */
  void leaveQuiet(Attachment held) throws IOException {
    boolean isOverwritten = held.isOverwritten(quiet.orElseThrow());
    quiet = Optional.empty();
    if (isOverwritten) {
      // The database changes by checkpoints only, and where everything is in it there is nothing to
      // checkpoint: somebody has put another content into its place.
      throw new BreakException(settings.database() + " was written to past its WAL");
    }
  }

  /** Does what is to be done when nothing was committed for a while. */
  void settle(Attachment held, long nowNanos) throws IOException {
    if (nowNanos - changedNanos < REST_NANOS) {
      return;
    }
    boolean isFirst = restedNanos - changedNanos < 0;
    if (!held.isAtRest() && (isFirst || isRestDueAgain(nowNanos))) {
      rest(held);
    } else if (quiet.isEmpty()) {
      becomeQuiet(held);
    }
  }

  private boolean isRestDueAgain(long nowNanos) {
    return nowNanos - restedNanos >= REST_AGAIN_NANOS;
  }

  /** Returns whether it is time for a rest once more, and takes note of it. */
  boolean takeRestDueAgain() {
    long nowNanos = settings.nanoTime().getAsLong();
    boolean isDue = isRestDueAgain(nowNanos);
    restedNanos = isDue ? nowNanos : restedNanos;
    return isDue;
  }

  /** Leaves the WAL as short as can be; then the reader that is held hinders nobody. */
  void rest(Attachment held) throws IOException {
    restedNanos = settings.nanoTime().getAsLong();
    checkpoints.rest(held);
    becomeQuiet(held);
  }

  private void becomeQuiet(Attachment held) throws IOException {
    quiet = held.quiet();
    if (quiet.isPresent()) {
      held.closeWal();
    }
  }

  /** Returns whether all but the reader is to be closed. */
  boolean isTrimDue(Attachment held, long nowNanos) {
    return quiet.isPresent()
        && held.isAtRest()
        && held.isWide()
        && nowNanos - changedNanos >= Math.max(REST_NANOS, settings.trimAfter().toNanos());
  }
}
