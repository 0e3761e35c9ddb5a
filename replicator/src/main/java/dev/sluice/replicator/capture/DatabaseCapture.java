package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Takes the commits of one live database into its spool, and checkpoints its WAL.
 *
 * <p>A reader of ours always holds the WAL, so that a generation that is new follows on the last.
 * Where that cannot be proved, after a time without us or an error, what the database has is
 * compared with the last cut, and the pages that differ are the next one. So {@link #capture} is
 * all there is to call: it begins, goes on or repairs, whatever is needed. The application notices
 * nothing but a checkpoint, and now and then that it waits for a writer. Confined to one thread at
 * a time, but for {@link #cancel}.
 */
public final class DatabaseCapture implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(50);
  private static final Duration LONG_PAUSE = Duration.ofMillis(250);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long SETTLE_LIMIT_NANOS = TimeUnit.MILLISECONDS.toNanos(80);
  private static final int BREAKS_MAX = 5;

  private final CaptureSettings settings;
  private final Spool spool;
  private final CaptureBuffers buffers;
  private final Checkpoints checkpoints;
  private final Idleness idleness;
  private Optional<Attachment> attached = Optional.empty();

  private volatile boolean isCancelled;
  private boolean isFull;
  private boolean isCurrent;
  private long lookedNanos;
  private long repairs;
  private int breaks;

  private DatabaseCapture(CaptureSettings settings, Spool spool, CaptureBuffers buffers) {
    this.settings = settings;
    this.spool = spool;
    this.buffers = buffers;
    this.checkpoints = new Checkpoints(settings);
    this.idleness = new Idleness(settings, checkpoints);
  }

  /**
   * Returns the capture of a database that need not be there yet. It does nothing before {@link
   * #capture}.
   *
   * @param spool of this database; the caller closes it, after this
   */
  public static DatabaseCapture begin(
      CaptureSettings settings, Spool spool, CaptureBuffers buffers) {
    return new DatabaseCapture(settings, spool, buffers);
  }

  /**
   * Begins with a database that is there, in a process that is not ours alone.
   *
   * @throws IOException as of {@link #capture}
   */
  public static DatabaseCapture begin(Path database, Spool spool) throws IOException {
    CaptureSettings settings = CaptureSettings.of(database).withOwnProcess(false);
    DatabaseCapture capture = begin(settings, spool, new CaptureBuffers(1));
    while (!capture.isHeld()) {
      long unused = capture.capture();
    }
    return capture;
  }

  private long nanos() {
    return settings.nanoTime().getAsLong();
  }

  /**
   * Takes what was committed since the last call, or was missed before; checkpoints the WAL if it
   * is long, or if nothing has changed for a second. To be called soon after each change, as
   * whoever resets the WAL waits for it, and after {@link #pause} at the latest. Where the database
   * is not {@linkplain #isHeld held}, this begins, and may take as long as reading all of it.
   *
   * @return how many frames were taken; what a repair has cut is not among them
   * @throws CaptureException if it needs a person, or time: to be called again
   * @throws SpoolException if the spool is to be opened anew
   */
  public long capture() throws IOException {
    isCurrent = false;
    try {
      long frames = attempt();
      breaks = isHeld() ? 0 : 1;
      isCurrent = isHeld();
      return frames;
    } catch (BreakException e) {
      letGo();
      LastInode.forget(spool.directory());
      breaks++;
      if (breaks >= BREAKS_MAX) {
        throw unreadable(e);
      }
      return 0;
    } catch (CaptureException.Busy e) {
      if (attached.isPresent() && !attached.get().isLost()) {
        return 0; // what is held stays held
      }
      letGo();
      throw e;
    } catch (SpoolException.Unwritable e) {
      letGo();
      throw new CaptureException.SpoolUnwritable(settings.database(), e);
    } catch (CaptureException | SpoolException e) {
      isFull |= e instanceof CaptureException.SpoolFull;
      letGo();
      throw e;
    } catch (IOException e) {
      letGo();
      throw unreadable(e);
    }
  }

  private CaptureException unreadable(IOException e) {
    return new CaptureException.Unreadable(settings.database(), String.valueOf(e.getMessage()), e);
  }

  /** Has a {@link #capture} that compares the database fail soon; thread-safe. */
  public void cancel() {
    isCancelled = true;
  }

  /**
   * Returns whether the last {@link #capture} took all that was committed when it was called. If
   * not, it found a gap, or the database locked, and is to be called again.
   */
  public boolean isCurrent() {
    return isCurrent;
  }

  /**
   * Returns whether a reader of ours holds the WAL. If not, nothing that is committed now is safe
   * from being missed and looked for later, and the next {@link #capture} begins anew.
   */
  public boolean isHeld() {
    return attached.isPresent();
  }

  private long attempt() throws IOException {
    requireRoom();
    if (attached.isEmpty()) {
      return attach();
    }
    Attachment held = attached.get();
    long nowNanos = nanos();
    Optional<Quiet> quiet = idleness.quiet();
    if (quiet.isPresent()) {
      if (held.isUnwritten(quiet.get())) {
        settle(held, nowNanos);
        return 0;
      }
      idleness.leaveQuiet(held);
    } else if (nowNanos - lookedNanos >= LOOK_NANOS) {
      held.requireFile();
      lookedNanos = nowNanos;
    }
    long frames = held.capture();
    idleness.taken(frames, nowNanos); // before a checkpoint, which may fail
    checkpoints.runIfLong(held, frames > 0);
    long more = held.takeFrames();
    idleness.taken(more, nowNanos);
    if (frames + more == 0) {
      settle(held, nowNanos);
    }
    return frames + more;
  }

  /** With room for half as much again: or each upload would end and begin the capture. */
  private void requireRoom() throws CaptureException {
    long bytes = settings.waitingBytes(spool);
    if (isFull && bytes > settings.spoolBytesMax() / 2) {
      checkpointNowAndThen();
      throw new CaptureException.SpoolFull(
          settings.database(), spool.directory(), bytes, settings.spoolBytesMax());
    }
    isFull = false;
  }

  /** The difference is due anyway, and the WAL of an application that relies on us would grow. */
  private void checkpointNowAndThen() throws CaptureException {
    if (idleness.takeRestDueAgain()) {
      try (PrimaryConnections connections = PrimaryConnections.open(settings.database())) {
        Checkpoint unused = connections.passive();
      } catch (CaptureException.Busy e) {
        // The next one will do.
      }
    }
  }

  private long attach() throws IOException {
    Attachment fresh = Attachment.open(settings, spool, buffers);
    Optional<Long> frames = takeUp(fresh);
    lookedNanos = nanos();
    idleness.begin(fresh, lookedNanos);
    return frames.orElse(0L) + (idleness.quiet().isPresent() ? 0 : fresh.capture());
  }

  private Optional<Long> takeUp(Attachment fresh) throws IOException {
    try {
      Optional<Long> frames = fresh.takeUp(() -> isCancelled);
      repairs += frames.isEmpty() ? 1 : 0;
      attached = Optional.of(fresh);
      return frames;
    } catch (IOException | RuntimeException | Error e) {
      fresh.close();
      throw e;
    }
  }

  private void settle(Attachment held, long nowNanos) throws IOException {
    idleness.settle(held, nowNanos);
    if (idleness.isTrimDue(held, nowNanos)) {
      trim(held, idleness.quiet().orElseThrow());
    }
  }

  /**
   * Leaves the WAL as short as can be, for a time without commits: then the reader that is held
   * hinders nobody. {@link #capture} does so by itself a second after the last change.
   */
  public void rest() throws IOException {
    if (attached.isPresent()) {
      idleness.rest(attached.get());
    }
  }

  /**
   * Lets go of all descriptors, and begins anew with those that an idle database needs. If somebody
   * uses that moment to commit, that is found as after any other gap.
   */
  private void trim(Attachment held, Quiet before) throws IOException {
    attached = Optional.empty();
    idleness.setQuiet(Optional.empty());
    held.close();
    settings.steps().reached(CaptureStep.TRIMMED);
    Attachment fresh = Attachment.open(settings, spool, buffers);
    Optional<Quiet> after;
    try {
      after = fresh.takeUpAfter(before);
    } catch (IOException | RuntimeException e) {
      fresh.close();
      throw e;
    }
    if (after.isPresent()) {
      attached = Optional.of(fresh);
      idleness.setQuiet(after);
    } else {
      fresh.close(); // to look for what was missed takes long: the next call does
    }
  }

  /** Returns how soon {@link #capture} is to be called though nothing has changed. */
  public Duration pause() {
    if (attached.isEmpty()) {
      return breaks > 0 ? Duration.ZERO : LONG_PAUSE;
    }
    return idleness.quiet().isEmpty() ? PAUSE : LONG_PAUSE;
  }

  /** Returns what the checkpoints came to. */
  public CheckpointFigures checkpoints() {
    return checkpoints.figures();
  }

  /** Returns how often the database was compared with the last cut. */
  public long repairs() {
    return repairs;
  }

  /** Lets go where going on makes no sense; what failed says more than what fails now. */
  @SuppressWarnings("EmptyCatch")
  private void letGo() {
    try {
      abandon();
    } catch (IOException e) {
      // Nothing is held by what is closed.
    }
  }

  /** Lets go of the database as the end of a process does. */
  void abandon() throws IOException {
    Optional<Attachment> held = attached;
    attached = Optional.empty();
    idleness.setQuiet(Optional.empty());
    if (held.isPresent()) {
      held.get().close();
    }
  }

  /**
   * Takes what is committed, and lets go of the database; what was captured is in the spool. Where
   * nobody else has the database the next capture knows that nothing has happened since.
   */
  @Override
  public void close() throws IOException {
    if (attached.isEmpty()) {
      return;
    }
    Optional<Quiet> last = Optional.empty();
    Path wal = attached.get().walPath();
    try {
      last = lastLook(attached.get());
    } catch (BreakException e) {
      LastInode.forget(spool.directory());
    } finally {
      abandon();
    }
    if (last.isPresent()) {
      recordStop(last.get(), wal);
    }
  }

  private Optional<Quiet> lastLook(Attachment held) throws IOException {
    Optional<Quiet> quiet = idleness.quiet();
    if (quiet.isPresent() && held.isAtRest() && held.isUnwritten(quiet.get())) {
      return quiet;
    }
    held.requireFile();
    held.capture();
    held.rest();
    long begunNanos = System.nanoTime();
    Optional<Quiet> last = Optional.empty();
    while (held.isAtRest() && last.isEmpty() && isWithin(begunNanos, SETTLE_LIMIT_NANOS)) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
      last = held.quiet();
    }
    return last;
  }

  private static boolean isWithin(long begunNanos, long limitNanos) {
    return System.nanoTime() - begunNanos < limitNanos;
  }

  /** What was written after the last look was written to the database, as its WAL is gone. */
  private void recordStop(Quiet last, Path wal) throws IOException {
    settings.steps().reached(CaptureStep.LET_GO);
    Optional<FileStat> now = FileStat.of(settings.database());
    boolean hasWal = FileStat.of(wal).isPresent();
    if (!hasWal && now.equals(Optional.of(last.file()))) {
      CleanStop.of(last.file(), spool).write(spool.directory());
      settings.steps().reached(CaptureStep.STOP_RECORDED);
    }
  }
}
