package dev.sluice.replicator.capture;

import dev.sluice.replicator.capture.WalHold.Checkpointed;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * When the WAL of one database is checkpointed, and what that came to: where it is long, but not
 * again at once if somebody hindered it. Where it may become longer still what is captured is
 * copied meanwhile: the application does so, too, and a copy of ours spares it the wait for the
 * disk. Confined to one thread at a time, but for {@link #figures}.
 */
final class Checkpoints {
  private static final long BARRIER_LIMIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long HINDERED_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long MISSED_PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(1);

  private final CaptureSettings settings;
  private final CheckpointThreshold threshold;
  private volatile CheckpointFigures figures = CheckpointFigures.NONE;
  private long dueNanos;
  private long missedPauseNanos;

  Checkpoints(CaptureSettings settings) {
    this.settings = settings;
    this.threshold = new CheckpointThreshold(settings.checkpointPages(), nanos());
    this.dueNanos = nanos();
  }

  private long nanos() {
    return settings.nanoTime().getAsLong();
  }

  /**
   * Has the WAL begin anew if it is long, and it is time for it. Copies what is captured otherwise,
   * where the WAL may become longer than the least threshold and frames have come; but does nothing
   * for a while after somebody hindered it, as each try sorts all frames that the database lacks.
   *
   * @param isBusy whether frames have just come
   */
  void runIfLong(Attachment held, boolean isBusy) throws IOException {
    long nowNanos = nanos();
    if (dueNanos - nowNanos > 0) {
      return;
    }
    if (!held.isLong(threshold.pages(nowNanos))) {
      if (isBusy && held.isLong(settings.checkpointPages())) {
        Checkpoint unused = counted(held, Attachment::copy);
      }
      return;
    }
    Checkpointed what = counted(held, attachment -> attachment.checkpoint(BARRIER_LIMIT_NANOS));
    long pauseNanos =
        switch (what) {
          case WHOLE -> 0;
          case HINDERED -> HINDERED_PAUSE_NANOS;
          case MISSED ->
              Math.min(2 * missedPauseNanos + BARRIER_LIMIT_NANOS, MISSED_PAUSE_NANOS_MAX);
        };
    missedPauseNanos = what == Checkpointed.MISSED ? pauseNanos : 0;
    dueNanos = nanos() + pauseNanos;
    if (what == Checkpointed.MISSED) {
      figures = figures.withMiss();
    } else if (what == Checkpointed.WHOLE) {
      threshold.generationEnded();
    }
  }

  /** Leaves the WAL as short as can be, without keeping anybody out. */
  void rest(Attachment held) throws IOException {
    boolean unused = counted(held, Attachment::rest);
  }

  /** Runs a checkpoint. */
  private interface Checkpointing<T> {
    T run(Attachment held) throws IOException;
  }

  private <T> T counted(Attachment held, Checkpointing<T> checkpoint) throws IOException {
    long startNanos = nanos();
    try {
      T result = checkpoint.run(held);
      figures = figures.withOne(nanos() - startNanos);
      return result;
    } catch (IOException | RuntimeException e) {
      figures = figures.withFailed(nanos() - startNanos);
      throw e;
    } finally {
      long barrierNanos = held.takeBarrierNanos();
      figures = barrierNanos > 0 ? figures.withBarrier(barrierNanos) : figures;
    }
  }

  /** Returns what they came to; thread-safe. */
  CheckpointFigures figures() {
    return figures;
  }
}
