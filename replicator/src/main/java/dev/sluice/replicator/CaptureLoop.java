package dev.sluice.replicator;

import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.capture.CaptureException;
import dev.sluice.replicator.capture.DatabaseCapture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Has the commits of one open database captured in time: when something may have changed; at a pace
 * beside a busy application; and now and then in any case. What was missed, which may be as much as
 * the whole database, is looked for by a job. Confined to the database's step.
 */
final class CaptureLoop {
  /** Between two looks: one takes what many would have taken. */
  private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

  /** Each makes the application checkpoint once more. */
  private static final long BUSY_PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(8);

  /**
   * A hint comes when frames are written, which may be long before their commit, as that waits for
   * the disk: so the look is repeated, after 1, 2, 4, 8 and 16 ms.
   */
  private static final int LOOKS_MAX = 5;

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long QUIET_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long QUIET_NANOS_MAX = TimeUnit.SECONDS.toNanos(20);
  private static final long RETRY_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long RETRY_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

  private final Path database;
  private final DatabaseCapture capture;
  private final Workers workers;
  private final Jobs jobs;
  private final Serial serial;
  private final Counters counters;
  private final Busyness busyness = new Busyness();
  private final Refusal refusal;
  private Optional<CompletableFuture<Long>> attaching = Optional.empty();
  private AtomicBoolean isAttachBegun = new AtomicBoolean();
  private Optional<Trouble> trouble = Optional.empty();
  private boolean wasCaptured;
  private boolean isHeldKnown;
  private boolean isCancelled;
  private long retryPauseNanos = RETRY_NANOS_MIN;
  private long attachedNanos;
  private long nextNanos;
  private long quietPauseNanos;
  private long capturedNanos;
  private int fruitless = LOOKS_MAX + 1;

  /**
   * @param wasCaptured whether it ever was: then what it is refused for may pass
   */
  CaptureLoop(
      DatabaseSettings settings,
      DatabaseCapture capture,
      Workers workers,
      Jobs jobs,
      Serial serial,
      Counters counters,
      boolean wasCaptured) {
    this.wasCaptured = wasCaptured;
    this.database = settings.path();
    this.capture = capture;
    this.workers = workers;
    this.jobs = jobs;
    this.serial = serial;
    this.counters = counters;
    this.refusal = new Refusal(database);
    long begunNanos = System.nanoTime();
    this.attachedNanos = begunNanos - QUIET_NANOS_MIN;
    this.nextNanos = begunNanos;
    this.capturedNanos = begunNanos - PACE_NANOS;
  }

  /** Returns whether a job has the capture and the spool's log now: nobody else may touch them. */
  boolean isAttaching() {
    return attaching.isPresent() && !attaching.get().isDone();
  }

  /** Returns the job that has the capture, or had it last. */
  CompletableFuture<?> attaching() {
    return attaching.isPresent() ? attaching.get() : CompletableFuture.completedFuture(0L);
  }

  /** Has a job that attaches end soon. */
  void cancel() {
    isCancelled = true;
    capture.cancel();
    if (isAttaching() && !isAttachBegun.getAndSet(true)) {
      attaching.orElseThrow().complete(0L); // it waits for a thread, behind others' images
      serial.wake();
    }
  }

  /** Returns how far it is; for as long as it is not told to end. */
  Phase phase() {
    if (isAttaching()) {
      return Phase.OPENING;
    }
    return isHeldKnown ? Phase.CAPTURING : Phase.WAITING;
  }

  /** Returns whether the database ever was captured. */
  boolean wasCaptured() {
    return wasCaptured;
  }

  /** Returns why the database is not captured; empty if it is, or is waited for. */
  Optional<Trouble> trouble() {
    return trouble;
  }

  /** Returns whether the last step took all that was committed when it began. */
  boolean isAllTaken() {
    return !isAttaching() && capture.isHeld() && capture.isCurrent();
  }

  /**
   * Takes what is there, if it is time for it.
   *
   * @param isAsked whether it is, in any case
   * @param isHinted whether something may have changed since the last step
   * @param mayAttach whether to begin where the database is not held
   * @throws CaptureException if the database cannot be captured, and was not before
   */
  void step(long now, boolean isAsked, boolean isHinted, boolean mayAttach) throws IOException {
    takeAttached(now);
    if (isHinted) {
      fruitless = Math.min(fruitless, 1);
    }
    if (!capture.isHeld()) {
      boolean isDue = nextNanos - now <= 0 || (isAsked && now - attachedNanos >= QUIET_NANOS_MIN);
      if (mayAttach && isDue) {
        attach(now);
      } else if (mayAttach) {
        serial.wakeAt(nextNanos);
      }
    } else if (isAsked || now - capturedNanos >= paceNanos()) {
      look(now);
    } else {
      serial.wakeAt(capturedNanos + paceNanos());
    }
    isHeldKnown = !isAttaching() && capture.isHeld();
  }

  private void attach(long now) {
    if (isMissing()) {
      await(now);
      return;
    }
    AtomicBoolean begun = new AtomicBoolean();
    isAttachBegun = begun;
    attaching =
        Optional.of(
            jobs.start(workers.attaching(), () -> begun.getAndSet(true) ? 0L : capture.capture()));
  }

  /**
   * Returns whether there is no database: one that is made has no bytes before its first commit.
   */
  boolean isMissing() {
    try {
      return Files.size(database) == 0;
    } catch (NoSuchFileException e) {
      return true;
    } catch (IOException e) { // who cannot look knows nothing
      return false;
    }
  }

  private void await(long now) {
    trouble = Optional.empty();
    nextNanos = now + QUIET_NANOS_MIN; // costs a look at the file
    serial.wakeAt(nextNanos);
  }

  private void takeAttached(long now) throws IOException {
    if (attaching.isEmpty() || isAttaching()) {
      return;
    }
    CompletableFuture<Long> done = attaching.get();
    attaching = Optional.empty();
    attachedNanos = now;
    try {
      take(Futures.result(done), now);
      nextNanos = now + capture.pause().toNanos();
      workers.watch().follow(database);
    } catch (CaptureException e) {
      if (!isCancelled) {
        trouble(e, now);
      }
    }
  }

  private void look(long now) throws IOException {
    try {
      long frames = capture.capture();
      counters.captured(frames, System.nanoTime() - now);
      take(frames, now);
    } catch (CaptureException e) {
      trouble(e, now);
      return;
    }
    nextNanos = now + pauseNanos();
    boolean isSoon = fruitless <= LOOKS_MAX || busyness.isBusy();
    serial.wakeAt(isSoon ? now + paceNanos() : nextNanos);
  }

  private void take(long frames, long now) {
    capturedNanos = now;
    if (frames > 0) {
      fruitless = 0;
      quietPauseNanos = 0;
    } else {
      fruitless = Math.min(fruitless + 1, LOOKS_MAX + 1);
    }
    if (busyness.isChangedBy(frames, now)) {
      lookOrListen(now);
    }
    if (capture.isHeld()) {
      wasCaptured = true;
      trouble = Optional.empty();
      retryPauseNanos = RETRY_NANOS_MIN;
    }
  }

  private long paceNanos() {
    if (busyness.isBusy()) {
      return BUSY_PACE_NANOS;
    }
    return fruitless == 0 ? PACE_NANOS : LOOK_NANOS << (Math.min(fruitless, LOOKS_MAX) - 1);
  }

  /** Beside a busy application looking again and again is cheaper than hearing of each change. */
  private void lookOrListen(long now) {
    if (busyness.isBusy()) {
      workers.watch().pause(database);
    } else {
      workers.watch().resume(database);
      fruitless = 1; // for what has changed just before
      serial.wakeAt(now + PACE_NANOS);
    }
  }

  /** A database at rest is watched; it is looked at beside that ever more rarely. */
  private long pauseNanos() {
    long pause = capture.pause().toNanos();
    if (pause < QUIET_NANOS_MIN) {
      quietPauseNanos = 0;
      return pause;
    }
    quietPauseNanos = Math.min(Math.max(2 * quietPauseNanos, pause), QUIET_NANOS_MAX);
    return quietPauseNanos;
  }

  /** What is in the spool is shipped meanwhile. */
  private void trouble(CaptureException failure, long now) throws CaptureException {
    if (!wasCaptured && refusal.isFinal(failure, now)) {
      throw failure;
    }
    if (failure instanceof CaptureException.Missing) {
      await(now);
      return;
    }
    trouble = Optional.of(Trouble.of(failure));
    nextNanos = now + retryPauseNanos;
    boolean isComing = failure instanceof CaptureException.NotADatabase && !wasCaptured;
    retryPauseNanos = isComing ? retryPauseNanos : Math.min(2 * retryPauseNanos, RETRY_NANOS_MAX);
    serial.wakeAt(nextNanos);
  }

  /** Has changes told again; to be called when the capture is let go of. */
  void end() {
    busyness.forget();
    workers.watch().resume(database);
  }
}
