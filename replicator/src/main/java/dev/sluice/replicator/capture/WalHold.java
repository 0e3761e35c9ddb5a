package dev.sluice.replicator.capture;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The reader of ours that holds a WAL, handed over from one connection to the other, and the
 * checkpoints that this allows. A reader ends only when every frame up to its own mark is in the
 * spool's log; where writers are kept out, that holds the WAL as well. Confined to one thread at a
 * time.
 *
 * <p>A reader that is to stay begins some milliseconds after one that only moved the mark. For a
 * checkpoint that is to begin the WAL anew reads the marks of readers, keeps writers out, and waits
 * for whoever has one that was behind. A reader that moves a mark in the microsecond between, and
 * stays, is waited for in vain: without a commit no other mark is ever nearer to the WAL's end, so
 * that all who come after it stand there as well. One that ends at once lets the checkpoint have
 * the mark when it tries again, and then the next reader finds it where it belongs. Where commits
 * go on in a long WAL nobody waits for that: an old mark has each checkpoint copy less.
 */
final class WalHold {
  /** SQLite tries again after one millisecond, and then after two. */
  private static final long MARKED_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

  /** Beside an application that commits all the time no mark stays the last one for so long. */
  private static final long BEHIND_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(40);

  /** How long somebody else's checkpoint is waited for while writers are kept out. */
  private static final long OTHERS_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final CaptureSettings settings;
  private final PrimaryConnections connections;

  /** Whether the reader began when the database had all frames: then it hinders no reset. */
  private boolean isAtRest;

  /** Whether frames were taken behind the reader's mark; not known of the first reader. */
  private boolean isBehind = true;

  private long behindNanos;
  private long markedFrame;
  private long markedNanos;

  private Checkpoint lastLook = new Checkpoint(false, 0, 0);
  private long barrierNanos;
  private long takenFrames;
  private boolean isLost;

  private WalHold(CaptureSettings settings, PrimaryConnections connections) {
    this.settings = settings;
    this.connections = connections;
    this.behindNanos = nanos();
  }

  private long nanos() {
    return settings.nanoTime().getAsLong();
  }

  /**
   * Begins the first reader.
   *
   * @param database its real path, as SQLite has the WAL beside it
   * @throws CaptureException if that cannot be done
   */
  static WalHold begin(CaptureSettings settings, Path database) throws CaptureException {
    return new WalHold(settings, PrimaryConnections.open(database));
  }

  /** Returns the connections, to be asked how far the WAL goes. */
  PrimaryConnections connections() {
    return connections;
  }

  /** Says whether the database had all frames when the reader began, and has them still. */
  void setAtRest(boolean isSo) {
    isAtRest = isSo;
  }

  /** Returns whether the reader that is held hinders nobody. */
  boolean isAtRest() {
    return isAtRest;
  }

  /**
   * Hands over, if that would let somebody go on, and as soon as it is safe: to be called after
   * each look for frames, and within 50 ms.
   *
   * @param hasTaken whether there were any
   */
  void goOn(boolean hasTaken) throws CaptureException {
    if (hasTaken) {
      settings.steps().reached(CaptureStep.TAKEN);
      fallBehind();
    }
    lastLook = connections.look();
    if (lastLook.isComplete() ? isBehind || !isAtRest : isBehind && mayStay(hasTaken)) {
      handOver();
      isAtRest = lastLook.isComplete();
    } else if (isBehind && markedFrame != lastLook.mxFrame()) {
      connections.mark();
      markedFrame = lastLook.mxFrame();
      markedNanos = nanos();
    }
  }

  private void fallBehind() {
    behindNanos = isBehind ? behindNanos : nanos();
    isBehind = true;
  }

  private boolean mayStay(boolean isBusy) {
    boolean isMarked = markedFrame == lastLook.mxFrame() && nanos() - markedNanos >= MARKED_NANOS;
    boolean isLate = nanos() - behindNanos >= BEHIND_NANOS_MAX;
    boolean isLong = lastLook.mxFrame() >= settings.checkpointPages() / 2;
    return isMarked || isLate || (isBusy && isLong);
  }

  private void handOver() throws CaptureException {
    connections.handOver(); // which may fail, and is tried again
    isBehind = false;
    isAtRest = false;
    markedFrame = 0;
    settings.steps().reached(CaptureStep.HANDED_OVER);
  }

  /** Returns whether the WAL had so many pages at the last look, and the database lacks some. */
  boolean isLong(int pages) {
    return !lastLook.isComplete() && lastLook.mxFrame() >= pages;
  }

  /** What a checkpoint came to. */
  enum Checkpointed {
    /** No moment without writers was found. */
    MISSED,
    /** A reader of somebody else's needs the WAL, or somebody else checkpoints it. */
    HINDERED,
    /** The next commit begins the WAL anew. */
    WHOLE
  }

  /**
   * Copies the WAL into the database, and has it begin anew with the next commit, which takes a
   * moment without writers: a reader's mark is else never at its end.
   *
   * @param intake takes the last frames
   * @param waitNanos how long to try to find the moment
   */
  Checkpointed checkpoint(WalIntake intake, long waitNanos) throws IOException {
    Checkpoint first = copy();
    settings.steps().reached(CaptureStep.CHECKPOINTED);
    if (!first.isBusy() && first.backfilled() < lastLook.mxFrame()) {
      return Checkpointed.HINDERED; // not by our reader: keeping writers out would not help
    }
    long frames = intake.takeOntoDisk();
    if (frames > 0) { // whatever comes of the rest: somebody may wait for the reader to go on
      fallBehind();
      isAtRest = false;
      takenFrames += frames;
    }
    if (!keepWritersOut(waitNanos)) {
      return Checkpointed.MISSED;
    }
    long begunNanos = nanos();
    isLost = true;
    try {
      settings.steps().reached(CaptureStep.BARRIER_BEGUN);
      takenFrames += intake.take();
      isAtRest = passiveWithoutWriters().isComplete();
      settings.steps().reached(CaptureStep.BARRIER_CHECKPOINTED);
      connections.letWritersIn();
      isLost = false;
      isBehind = false;
    } finally {
      if (isLost) {
        connections.close(); // a reader that begins now may not hold what was not taken
      }
      barrierNanos = Math.max(1, nanos() - begunNanos);
    }
    settings.steps().reached(CaptureStep.BARRIER_ENDED);
    return isAtRest ? Checkpointed.WHOLE : Checkpointed.HINDERED;
  }

  private boolean keepWritersOut(long waitNanos) throws CaptureException {
    long begunNanos = nanos();
    while (!connections.keepWritersOut()) {
      if (nanos() - begunNanos > waitNanos) {
        return false;
      }
      Thread.onSpinWait();
    }
    return true;
  }

  /** A busy application checkpoints after each of its commits; now there are none to come. */
  private Checkpoint passiveWithoutWriters() throws CaptureException {
    long begunNanos = nanos();
    Checkpoint last = connections.passive();
    while (last.isBusy() && nanos() - begunNanos < OTHERS_NANOS) {
      Thread.onSpinWait();
      last = connections.passive();
    }
    return last;
  }

  /** Copies what nobody else reads into the database, and keeps nobody out. */
  Checkpoint copy() throws CaptureException {
    if (isBehind) {
      handOver();
    }
    return connections.passive();
  }

  /** Returns for how long writers were kept out since this was asked last; 0 if they were not. */
  long takeBarrierNanos() {
    long taken = barrierNanos;
    barrierNanos = 0;
    return taken;
  }

  /** Returns how many frames checkpoints have taken since this was asked last. */
  long takeFrames() {
    long taken = takenFrames;
    takenFrames = 0;
    return taken;
  }

  /** Returns whether no reader is held any more. */
  boolean isLost() {
    return isLost;
  }

  /** Returns whether more than one connection is open. */
  boolean isWide() {
    return connections.isWide();
  }

  /** Lets go of the WAL. */
  void close() throws CaptureException {
    connections.close();
  }
}
