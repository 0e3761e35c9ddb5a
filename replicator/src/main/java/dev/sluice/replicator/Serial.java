package dev.sluice.replicator;

import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has one piece of work done whenever somebody wakes it, on the step threads, and never twice at
 * once: who wakes it while it runs has it run again. Work that fails is logged, and done again
 * after a moment. {@link #wake} is thread-safe; {@link #wakeAt} is called by the work itself.
 */
final class Serial {
  private static final Logger log = LoggerFactory.getLogger(Serial.class);
  private static final long FAILED_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Workers workers;
  private final Runnable step;
  private final AtomicReference<State> state = new AtomicReference<>(State.RESTING);

  /** What is done after all steps; set before the state says so. */
  private volatile Runnable last = () -> {};

  private Optional<ScheduledFuture<?>> alarm = Optional.empty();
  private long alarmNanos;

  private enum State {
    RESTING,
    DUE,
    RUNNING,
    RUNNING_AND_DUE,
    /** Running, and for the last time. */
    ENDING,
    ENDED;

    private State woken() {
      return switch (this) {
        case RESTING, DUE -> DUE;
        case RUNNING, RUNNING_AND_DUE -> RUNNING_AND_DUE;
        case ENDING, ENDED -> this;
      };
    }

    private State ended() {
      return switch (this) {
        case RESTING, DUE, ENDED -> ENDED;
        case RUNNING, RUNNING_AND_DUE, ENDING -> ENDING;
      };
    }
  }

  Serial(Workers workers, Runnable step) {
    this.workers = workers;
    this.step = step;
  }

  /** Has the work done soon. */
  void wake() {
    State before = state.getAndUpdate(State::woken);
    if (before == State.RESTING) {
      execute();
    }
  }

  /**
   * Has something done after the step that runs, on its thread; at once, on this one, if none does.
   * No step follows. One that has ended does nothing more; not to be called twice at a time.
   */
  void end(Runnable work) {
    last = work;
    State before = state.getAndUpdate(State::ended);
    if (before == State.RESTING || before == State.DUE) {
      work.run();
    }
  }

  private void execute() {
    try {
      workers.steps().execute(this::run);
    } catch (RejectedExecutionException e) {
      state.compareAndSet(State.DUE, State.RESTING); // the replicator is closed
    } catch (Error e) { // there is no memory, or no thread
      state.compareAndSet(State.DUE, State.RESTING);
      wakeLater();
      throw e;
    }
  }

  /** Who woke it may not do so again. */
  private void wakeLater() {
    try {
      var unused = workers.timer().schedule(this::wake, FAILED_NANOS, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("the replicator is closed", e);
    }
  }

  private void run() {
    if (!state.compareAndSet(State.DUE, State.RUNNING)) {
      return; // it has ended
    }
    try {
      forgetAlarmThatIsOver();
      step.run();
    } catch (RuntimeException | Error e) {
      wakeAt(System.nanoTime() + FAILED_NANOS); // before the line, which may fail as well
      log.error("a step failed", e);
    } finally {
      goOn();
    }
  }

  private void goOn() {
    if (state.compareAndSet(State.RUNNING, State.RESTING)) {
      return;
    }
    if (state.compareAndSet(State.RUNNING_AND_DUE, State.DUE)) {
      execute();
    } else if (state.compareAndSet(State.ENDING, State.ENDED)) {
      last.run();
    }
  }

  /** One whose time has come is what this step is for, though it may not have rung yet. */
  private void forgetAlarmThatIsOver() {
    if (alarm.isPresent() && alarmNanos - System.nanoTime() <= 0) {
      alarm.get().cancel(false);
      alarm = Optional.empty();
    }
  }

  /** Has the work done at {@code atNanos} at the latest, as {@link System#nanoTime} counts. */
  void wakeAt(long atNanos) {
    if (alarm.isPresent() && alarmNanos - atNanos <= 0) {
      return; // it was set in this step, or rings later
    }
    alarm.ifPresent(later -> later.cancel(false));
    try {
      alarmNanos = atNanos;
      alarm =
          Optional.of(
              workers
                  .timer()
                  .schedule(
                      this::wake, Math.max(0, atNanos - System.nanoTime()), TimeUnit.NANOSECONDS));
    } catch (RejectedExecutionException e) {
      alarm = Optional.empty(); // the replicator is closed
    }
  }
}
